"""Judge what the small Stable Diffusion draws, beside the best that it could draw.

Beside the drawings stand the images that their prompts were read from, and the same images as the
VAE gives them back: a judge that fails on those says nothing about the UNet.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from resources.light_models.recipe import drawing, train_vae
from resources.light_models.recipe.data import Cast
from workflow_scripts.lib.logs import log
from workflow_scripts.models.diffusion import Base
from workflow_scripts.models.loaders.light_clip import LightClip

ATTRIBUTES_GOAL = 0.95
ALL, ONE_PERSON, FACE = "all at once", "one person is found", "face in a close-up"
GOALS = {ALL: 0.75, ONE_PERSON: 0.95, FACE: 0.9}
SHEET = 64  # drawings on the sheet
SEED = 1400


def judge_drawn(
    base: Base, clip: LightClip, apart: Cast, count: int, sheet: Path
) -> list[dict[str, Any]]:
    """Draw prompts out of the truth, keep a contact sheet; a row per figure of what came."""
    chosen = drawing.choose_asked(apart, count, np.random.default_rng(SEED))
    places = set(apart.table["place"].iloc[chosen]) - {"unknown"}
    log.info("%d prompts, in %d places", count, len(places))
    prompts = [drawing.write_prompt(apart.words, codes) for codes in apart.codes[chosen]]
    drawn = drawing.draw_prompts(base, prompts, SEED)
    keep_sheet(drawn[:SHEET], prompts[:SHEET], sheet)
    originals = np.asarray(apart.images[chosen])
    ways = {
        "accuracy": drawn,
        "through_vae": train_vae.give_back(base.pipeline.vae, originals),
        "originals": originals,
    }
    right = {name: judge_images(images, chosen, apart, clip) for name, images in ways.items()}
    return [
        make_row(figure, {name: found[figure] for name, found in right.items()})
        for figure in right["accuracy"]
    ]


def keep_sheet(images: np.ndarray, prompts: list[str], path: Path) -> None:
    """A sheet of images (N, side, side, 3), their prompts beside it as text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), drawing.make_sheet(images)[:, :, ::-1])
    path.with_suffix(".txt").write_text("\n".join(prompts) + "\n", encoding="utf-8")


def judge_images(
    images: np.ndarray, chosen: np.ndarray, cast: Cast, clip: LightClip
) -> dict[str, np.ndarray]:
    """Whether images show what those of these numbers in a cast do, (N,) each; NaN: not asked."""
    wanted = cast.codes[chosen]
    people = drawing.find_people(images)
    cut = [drawing.cut_largest(*pair) for pair in zip(images, people, strict=True)]
    right = drawing.judge_prompts(list(images), cut, wanted, cast.words, clip, clip.embed_texts)
    together = np.nanmin(np.stack(list(right.values())), axis=0)
    alone = np.array([len(boxes) == 1 for boxes in people])
    column = cast.words.column("shot_type")
    near = wanted[:, column] == cast.words.attributes[column].values.index("close-up")
    faces = np.full(len(images), np.nan)
    if near.any():
        faces[near] = drawing.find_faces(images[near])
    return right | {ALL: together, ONE_PERSON: alone, FACE: faces}


def make_row(figure: str, right: dict[str, np.ndarray]) -> dict[str, Any]:
    """One row of the table: shares of what was asked, by what was looked at."""
    asked = {name: found[~np.isnan(np.asarray(found, float))] for name, found in right.items()}
    shares = {
        name: float(np.mean(found)) if len(found) else np.nan for name, found in asked.items()
    }
    row = {"figure": f"drawn: {figure}", "goal": GOALS.get(figure, ATTRIBUTES_GOAL)}
    return row | {"images": len(asked["accuracy"])} | shares
