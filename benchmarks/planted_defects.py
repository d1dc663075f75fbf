"""Films and adapters out of the held-out cast: what a healthy adapter draws, and a defective one.

A film's subject is everybody in a top of one color, which is what the light tier can tell apart:
200 characters in 1,200 images, of which a world takes some as stills of the film, some as reference
images, and some as what is drawn. What is drawn went through the light base's own VAE first, moved
and tinted a little, as nothing that is drawn has the pixels of a still.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch

from workflow_scripts.adapter.metrics import Stills
from workflow_scripts.adapter.prompts import Prompts
from workflow_scripts.adapter.score_rows import Judge, score_adapter, score_control
from workflow_scripts.adapter.trials import LOSSES, Trial

HELD_OUT = Path("resources/cast/held_out")
TRAINING, VALIDATION, REFERENCES = 24, 8, 5  # stills of the subject; images in a roster
PROMPTS, UNRELATED, SEEDS = 4, 3, 2  # as the shipped options have them
SHIFT_PX, TINT = 3, 0.05  # of what is drawn
NO_LOSS = dict.fromkeys(LOSSES, np.zeros(2))  # images alone are judged here
HEALTHY = "healthy"

Embed = Callable[[Sequence[np.ndarray]], np.ndarray]
Redraw = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Cast:
    """Images (N, S, S, 3) RGB uint8, and of each: color of the top, place."""

    images: np.ndarray
    subjects: np.ndarray
    places: np.ndarray

    def pick(self, rng: np.random.Generator, subject: str, place: str, taken: set[int]) -> int:
        """An image of a subject that is not taken yet; at a place, if there still is one."""
        free = np.flatnonzero(self.subjects == subject)
        free = np.array([n for n in free if n not in taken])
        there = free[self.places[free] == place]
        chosen = int(rng.choice(there if len(there) else free))
        taken.add(chosen)
        return chosen


def read_cast(folder: Path, files: int | None = None) -> Cast:
    """The images of one person each whose top shows; of so many files."""
    rows = [
        row
        for path in sorted(folder.glob("*.parquet"))[:files]
        for row in pq.read_table(path, columns=["image", "place", "people"]).to_pylist()
        if len(row["people"]) == 1
    ]
    tops = np.array([row["people"][0]["visible"].get("top_color") or "" for row in rows])
    seen = np.flatnonzero((tops != "") & (tops != "unknown"))
    images = np.stack([decode(rows[n]["image"]) for n in seen])
    return Cast(images, tops[seen], np.array([rows[n]["place"] for n in seen]))


def decode(data: bytes) -> np.ndarray:
    """RGB of the bytes of an image."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


@torch.inference_mode()
def redraw_with(vae: Any) -> Redraw:
    """What a VAE of diffusers makes of images (N, S, S, 3)."""

    def redraw(images: np.ndarray) -> np.ndarray:
        pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float()
        with torch.inference_mode():
            seen = vae.decode(vae.encode(pixels / 127.5 - 1).latent_dist.mode()).sample
        seen = ((seen + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return seen.permute(0, 2, 3, 1).numpy()

    return redraw


def disturb(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each image moved by some pixels and tinted."""
    moved = []
    for image in images:
        right, down = rng.integers(-SHIFT_PX, SHIFT_PX + 1, 2)
        shift = np.array([[1, 0, right], [0, 1, down]], np.float32)
        size = image.shape[1], image.shape[0]
        there = cv2.warpAffine(image, shift, size, borderMode=cv2.BORDER_REPLICATE)
        there = there * rng.uniform(1 - TINT, 1 + TINT, 3)
        moved.append(there.round().clip(0, 255).astype(np.uint8))
    return np.stack(moved)


@dataclass(frozen=True)
class World:
    """A film, and numbers of images of the cast that stand for what is drawn of it."""

    stills: Stills
    training: list[int]
    drawn: dict[str, list[int]]  # by who draws: PROMPTS x SEEDS images
    unrelated: dict[str, list[int]]  # UNRELATED x SEEDS


def make_world(cast: Cast, vectors: np.ndarray, rng: np.random.Generator) -> World:
    """Three subjects of a film: the adapter's own, that of its control, and a third."""
    names = np.unique(cast.subjects)
    own, other, third = rng.permutation(names)[:3]
    taken: set[int] = set()
    places = rng.permutation(np.unique(cast.places))[:PROMPTS]

    def pick(subject: str, where: Sequence[str]) -> list[int]:
        return [cast.pick(rng, subject, place, taken) for place in where]

    asked = np.repeat(places, SEEDS)
    drawn = {HEALTHY: pick(own, asked), "other_subject": pick(other, asked)}
    drawn["wrong character"] = pick(third if rng.random() < 0.5 else other, asked)
    strangers = rng.permutation(names[~np.isin(names, [own, other, third])])
    drawn["base"] = [cast.pick(rng, rng.choice(strangers), place, taken) for place in asked]
    elsewhere = np.repeat(rng.choice(np.unique(cast.places), UNRELATED, replace=False), SEEDS)
    unrelated = {
        "base": [cast.pick(rng, rng.choice(strangers), place, taken) for place in elsewhere],
        "overdriven": pick(own, [""] * len(elsewhere)),
    }
    training, held_out = pick(own, [""] * TRAINING), pick(own, [""] * VALIDATION)
    gallery = [n for one in (own, other, third) for n in pick(one, [""] * REFERENCES)]
    is_own = np.arange(len(gallery)) < REFERENCES
    shots = np.arange(TRAINING), TRAINING + np.arange(VALIDATION)
    stills = Stills(vectors[training], vectors[held_out], vectors[gallery], is_own, *shots)
    return World(stills, training, drawn, unrelated)


def draw(cast: Cast, world: World, defect: str, rng: np.random.Generator) -> np.ndarray:
    """What an adapter with this defect draws: of its subject, then of unrelated prompts."""
    related = world.drawn[HEALTHY if defect not in world.drawn else defect]
    if defect == "collapse":
        related = [world.drawn[HEALTHY][0]] * len(related)
    if defect == "copier":
        related = rng.choice(world.training, len(related), replace=False).tolist()
    elsewhere = world.unrelated["overdriven" if defect == "overdriven" else "base"]
    return disturb(cast.images[[*related, *elsewhere]], rng)


DEFECTS = {  # what is planted: the question of adapter/findings.py that must find it
    "collapse": "collapse",
    "copier": "copies",
    "wrong character": "subject",
    "overdriven": "strength",
}


def score_world(
    cast: Cast, world: World, defect: str, embed: Embed, redraw: Redraw, rng: np.random.Generator
) -> pd.DataFrame:
    """scores.parquet of an adapter with this defect, by the very functions of evaluate_adapter."""
    related = PROMPTS * SEEDS
    texts = [f"prompt {n // SEEDS}" for n in range(related + UNRELATED * SEEDS)]
    prompts = Prompts(texts, [1, 2] * (len(texts) // SEEDS), np.arange(len(texts)) < related)
    shots = dict.fromkeys(LOSSES, np.arange(2))
    judge = Judge(prompts, world.stills, embed, shots)
    plain = redraw(disturb(cast.images[[*world.drawn["base"], *world.unrelated["base"]]], rng))
    drawn = redraw(draw(cast, world, defect, rng))
    control = redraw(disturb(cast.images[world.drawn["other_subject"]], rng))
    trials = {None: Trial(plain, NO_LOSS), 0.0: Trial(plain[:4], {}), 1.0: Trial(drawn, NO_LOSS)}
    rows, own = score_adapter(judge, trials)
    called = Trial(control, {LOSSES[-1]: NO_LOSS[LOSSES[-1]]})
    beside, _ = score_control(judge, "other_subject", called, own[1.0], 1.0)
    return pd.DataFrame(rows + beside)
