"""What an adapter is asked to draw: captions of its dataset and unrelated prompts, with seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.adapter.training_data import TrainingImage, subsample_evenly
from workflow_scripts.models.diffusion import Base, draw_images


@dataclass(frozen=True)
class Prompts:
    """What is drawn: one entry per image."""

    texts: list[str]
    seeds: list[int]
    related: np.ndarray  # bool: a caption of the dataset, not an unrelated prompt

    @property
    def groups(self) -> np.ndarray:
        """Number of the prompt of each image."""
        order = {text: n for n, text in enumerate(dict.fromkeys(self.texts))}
        return np.array([order[text] for text in self.texts])

    def first(self, count: int) -> "Prompts":
        """So many of them, from the start."""
        return Prompts(self.texts[:count], self.seeds[:count], self.related[:count])

    def call(self, trigger: str, other: str) -> "Prompts":
        """The captions alone, which come first; another trigger calls what they speak of."""
        captions = self.first(int(self.related.sum()))
        texts = [
            other + text.removeprefix(trigger) if text.startswith(trigger) else text
            for text in captions.texts
        ]
        return Prompts(texts, captions.seeds, captions.related)


def choose_prompts(
    held_out: Sequence[TrainingImage],
    training: Sequence[TrainingImage],
    unrelated: Sequence[str],
    seeds: Sequence[int],
    most: int,
) -> Prompts:
    """Captions spread over the film, then the unrelated prompts; each with every seed.

    They are those of held-out images; where these have too few different ones, of others too.
    """
    different = _list_captions(held_out)
    related = [image.caption for image in subsample_evenly(different, most)]
    others = [image for image in _list_captions(training) if image.caption not in related]
    related += [image.caption for image in subsample_evenly(others, most - len(related))]
    texts = [text for text in (*related, *unrelated) for _ in seeds]
    known = np.arange(len(texts)) < len(related) * len(seeds)
    return Prompts(texts, [seed for _ in (*related, *unrelated) for seed in seeds], known)


def _list_captions(images: Sequence[TrainingImage]) -> list[TrainingImage]:
    """One image for each different caption."""
    return list({image.caption: image for image in images}.values())


def draw_all(base: Base, prompts: Prompts, options: dict[str, Any]) -> np.ndarray:
    """Draw every prompt with its seed: RGB uint8 (N, side, side, 3)."""
    return draw_images(
        base,
        prompts.texts,
        prompts.seeds,
        steps=options["sampling_steps"],
        guidance=options["guidance"],
        side_px=base.resolution_px,
    )
