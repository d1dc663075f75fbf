"""Train the small CLIP: images and captions of the cast in one space.

A caption belongs to every image of a batch that it is true of (the truth says so), so "a woman,
outdoors" pushes no woman away; pairs that the truth cannot judge, because an image does not show
what a caption claims, count neither way. Each attribute is asked for by itself as well: the texts
of its values compete for each image, as they will when it is scored.

At first neither images nor texts tell hair colors apart, and each has nothing to learn from the
other. So every value, and every character, has a free vector as well, far from the others from the
start, that images are drawn to; these are not shipped. Texts cost more than small images do, so
they are read in every other step only.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from resources.light_models.recipe.captions import tell_images, write_prompts
from resources.light_models.recipe.data import (
    Cast,
    augment,
    choose_batch,
    cut_people,
    open_cast,
    rng_for,
)
from resources.light_models.recipe.options import Run, make_parser, parse, read_json, read_run
from resources.light_models.recipe.training import Training
from resources.light_models.recipe.words import UNSEEN
from workflow_scripts.lib.logs import log
from workflow_scripts.models.light_clip import make_clip
from workflow_scripts.models.tokenizer import make_tokenizer

CONFIG = Path(__file__).with_name("clip.json")
BATCH = 64  # small: two cores take more steps, and steps are what a short training lacks
CROPPED = 0.6  # share of images that are cut to their person: what the workflow embeds
TEXT_EVERY = 2  # steps between two that read texts
CAPTIONED = 32  # images of such a step that have a caption: texts take longer than images
SMALL, SMALL_ENDS = 0.75, 0.6  # images are so much smaller for that share of the budget: faster
ATTRIBUTE_WEIGHT = 5.0  # of the attributes' loss: the pairs' is some times larger
PEOPLE_WEIGHT = 0.5  # of the loss of characters
RATE = 1e-3
FREE = ("values", "people")  # parameters of the training that do not ship
MAX_SCALE = 50.0  # of the similarities, as a factor: CLIP's own limit is 100


class Tokenizer:
    """Texts to token ids (N, longest) int64, up to the end mark of the longest."""

    def __init__(self):
        self.tokenizer = make_tokenizer()
        self.known: dict[str, list[int]] = {}

    def __call__(self, texts: list[str], *, whole: bool = False) -> torch.Tensor:
        """`whole`: padded to the full length with the end mark, as Stable Diffusion does."""
        rows = [self._encode(text) for text in texts]
        length = 77 if whole else max(map(len, rows))
        end = self.tokenizer.eos_token_id
        return torch.tensor([row + [end] * (length - len(row)) for row in rows])

    def _encode(self, text: str) -> list[int]:
        if text not in self.known:
            ids = self.tokenizer(text, truncation=True, max_length=77).input_ids
            if len(self.known) > 100_000:
                self.known.clear()
            self.known[text] = ids
        return self.known[text]


def encode_text(model: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """Vectors (N, D) of length 1; `tokens` (N, length) may be shorter than the full context.

    open_clip's own encode_text wants the full context; captions fill a third of it, and a token
    never looks ahead.
    """
    length = tokens.shape[1]
    x = model.token_embedding(tokens) + model.positional_embedding[:length]
    x = model.transformer(x, attn_mask=model.attn_mask[:length, :length])
    x = model.ln_final(x)
    ends = (tokens == tokens.max()).int().argmax(dim=1)  # the first end mark has the largest id
    return F.normalize(x[torch.arange(len(x)), ends] @ model.text_projection, dim=1)


def normalize_pixels(images: torch.Tensor) -> torch.Tensor:
    """uint8 (B, S, S, 3) to float (B, 3, S, S), -1 to 1."""
    return (images.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous()


def judge_pairs(codes: np.ndarray, claims: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which captions (columns) are true, and which are false, of which images: (B, captions) bool.

    A claim that one attribute contradicts is false; one that the image cannot show is neither.
    """
    claimed = claims[None] != UNSEEN  # (1, captions, attributes)
    differs = codes[:, None] != claims[None]
    false = (claimed & differs & (codes[:, None] != UNSEEN)).any(2)
    true = ~(claimed & differs).any(2)
    return true, false


def pair_loss(logits: torch.Tensor, true: torch.Tensor, false: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of each row against all of its true columns; undecided ones stay out."""
    scores = logits.masked_fill(~(true | false), -torch.inf)
    chances = F.log_softmax(scores, dim=1).masked_fill(~true, 0)
    counts = true.sum(1)
    rows = counts > 0
    return -(chances.sum(1)[rows] / counts[rows]).mean()


def value_loss(logits: torch.Tensor, codes: np.ndarray, sizes: list[int]) -> torch.Tensor:
    """Mean over attributes of the cross-entropy of their values, of images that show them.

    `logits` (B, values of all attributes one after the other), `codes` (B, attributes).
    """
    losses = []
    for column, some in enumerate(logits.split(sizes, dim=1)):
        wanted = torch.from_numpy(codes[:, column].astype(np.int64)).to(logits.device)
        if sizes[column] > 1 and bool((wanted != UNSEEN).any()):
            losses.append(F.cross_entropy(some, wanted, ignore_index=UNSEEN))
    return torch.stack(losses).mean()


def people_loss(logits: torch.Tensor, people: np.ndarray, cropped: np.ndarray) -> torch.Tensor:
    """Cross-entropy of the characters (B, characters) of the images that are cut out; else 0.

    Two whole images are alike by their place, too.
    """
    wanted = torch.from_numpy(np.where(cropped, people, UNSEEN)).to(logits.device)
    return (
        F.cross_entropy(logits, wanted, ignore_index=UNSEEN) if cropped.any() else 0 * logits.sum()
    )


def number_people(cast: Cast) -> np.ndarray:
    """The number (N,) of the character that each image is of."""
    return np.unique(cast.table["person_id"], return_inverse=True)[1]


class ClipLosses:
    """`losses(step)`: the losses of the batch that belongs to a step."""

    def __init__(
        self,
        model: nn.Module,
        cast: Cast,
        *,
        batch: int,
        seed: int,
        device: torch.device,
        attribute_weight: float = ATTRIBUTE_WEIGHT,
    ):
        self.model, self.cast, self.batch, self.seed = model, cast, batch, seed
        self.device, self.tokenize, self.weight = device, Tokenizer(), attribute_weight
        self.people = number_people(cast)
        self.sizes = [len(attribute.values) for attribute in cast.words.attributes]
        self.side_px = cast.side_px

    def progress(self, share: float) -> None:
        """What changes with the share of the budget that is used: images grow."""
        whole = self.cast.side_px
        self.side_px = round(SMALL * whole / 32) * 32 if share < SMALL_ENDS else whole

    def __call__(self, step: int) -> dict[str, torch.Tensor]:
        rng = rng_for(self.seed, "clip", step)
        chosen = choose_batch(len(self.cast), self.batch, rng)
        cropped = rng.random(len(chosen)) < CROPPED
        pixels, codes = cut_people(self.cast, chosen, cropped, rng)
        images = self._embed(augment(pixels, rng, self.side_px))
        scale = self.model.logit_scale.exp().clamp(max=MAX_SCALE)
        values, people = (
            scale * images @ F.normalize(free, dim=1).T
            for free in (self.model.values, self.model.people)
        )
        losses = {
            "values": self.weight * value_loss(values, codes, self.sizes),
            "people": PEOPLE_WEIGHT * people_loss(people, self.people[chosen], cropped),
        }
        if step % TEXT_EVERY == 0:
            some = np.sort(rng.permutation(len(chosen))[:CAPTIONED])
            told = tell_images(
                self.cast, chosen[some], rng, codes=codes[some], cropped=cropped[some]
            )
            losses["pairs"] = self._pairs(images, codes, told, scale)
            losses["attributes"] = self.weight * self._attributes(images, codes, scale, rng)
        return losses

    def _embed(self, pixels: np.ndarray) -> torch.Tensor:
        """Vectors (B, D) of length 1 of images (B, S, S, 3) uint8."""
        rows = normalize_pixels(torch.from_numpy(pixels).to(self.device))
        rows = rows.contiguous(memory_format=torch.channels_last)  # faster on a CPU
        return F.normalize(self.model.visual(rows), dim=1)

    def _pairs(
        self,
        images: torch.Tensor,
        codes: np.ndarray,
        told: tuple[list[str], np.ndarray],
        scale: torch.Tensor,
    ) -> torch.Tensor:
        texts, claims = told
        logits = scale * images @ self._encode(texts).T
        true, false = (
            torch.from_numpy(part).to(self.device) for part in judge_pairs(codes, claims)
        )
        return (pair_loss(logits, true, false) + pair_loss(logits.T, true.T, false.T)) / 2

    def _attributes(
        self, images: torch.Tensor, codes: np.ndarray, scale: torch.Tensor, rng: np.random.Generator
    ) -> torch.Tensor:
        """Mean over attributes of the cross-entropy among the texts of their values."""
        asked = [write_prompts(self.cast.words, c, rng) for c in range(codes.shape[1])]
        vectors = self._encode([text for texts, _ in asked for text in texts])
        losses, start = [], 0
        for column, (texts, values) in enumerate(asked):
            logits = scale * images @ vectors[start : start + len(texts)].T
            start += len(texts)
            places = {code: place for place, code in enumerate(values)}
            wanted = np.array([places.get(int(code), UNSEEN) for code in codes[:, column]])
            shown = torch.from_numpy(wanted).to(self.device)
            if len(texts) > 1 and (wanted != UNSEEN).any():
                losses.append(F.cross_entropy(logits, shown, ignore_index=UNSEEN))
        return torch.stack(losses).mean()

    def _encode(self, texts: list[str]) -> torch.Tensor:
        return encode_text(self.model, self.tokenize(texts).to(self.device))


def train(
    cast: Cast,
    folder: Path,
    run: Run,
    config: dict[str, Any],
    *,
    attribute_weight: float = ATTRIBUTE_WEIGHT,
) -> Training:
    """Train, or go on with, the CLIP of an open_clip config whose checkpoint is in `folder`."""
    torch.manual_seed(run.seed)
    model = make_clip(config)
    values = sum(len(attribute.values) for attribute in cast.words.attributes)
    for name, count in zip(FREE, (values, number_people(cast).max() + 1), strict=True):
        setattr(model, name, nn.Parameter(torch.randn(int(count), config["embed_dim"])))
    model.to(run.place)
    model.visual.to(memory_format=torch.channels_last)
    settings = {
        "seed": run.seed,
        "batch": run.batch,
        "attribute_weight": attribute_weight,
        "config": config,
        "data": cast.sha256,
        "values": {a.name: a.values for a in cast.words.attributes},
    }
    training = Training(model, folder, run.budget, RATE, settings, average=0.998)
    options = {"batch": run.batch, "seed": run.seed, "attribute_weight": attribute_weight}
    losses = ClipLosses(model, cast, device=run.place, **options)

    def compute(step: int) -> dict[str, torch.Tensor]:
        losses.progress(training.budget.share(training.step, training.elapsed_s))
        return losses(step)

    for step in training.run(compute):
        if step % 20 == 1 or training.done:  # one that read texts
            log.info("clip: %s", training.rows[-1])
    return training


def main() -> None:
    parser = make_parser(__doc__, batch=BATCH)
    parser.add_argument("--attribute-weight", type=float, default=ATTRIBUTE_WEIGHT)
    asked = parse(parser)
    config = read_json(CONFIG)
    cast = open_cast(asked.data, side_px=config["vision_cfg"]["image_size"])
    weight = asked.attribute_weight
    train(cast, asked.work / "clip", read_run(asked), config, attribute_weight=weight)


if __name__ == "__main__":
    main()
