"""What is kept of an evaluation beside its means: each drawn image, and each value behind a mean.

So adapters can be shown side by side, compared prompt by prompt, and judged once more by somebody
else.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from workflow_scripts.adapter.intervals import Sample
from workflow_scripts.adapter.prompts import Prompts
from workflow_scripts.adapter.score_rows import BASE, OWN
from workflow_scripts.adapter.training_data import TrainingImage
from workflow_scripts.adapter.trials import LOSSES
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.written_files import iter_written

SUFFIX = ".png"


class Judged(NamedTuple):
    """What one adapter drew at one strength, and what was measured of it."""

    asked: Prompts  # what was said: another subject is called by its own trigger
    images: np.ndarray  # (N, H, W, 3), RGB uint8
    samples: dict[str, Sample]  # by score


Drawn = dict[float | str | None, Judged]  # by strength (None: the base), or by control


def name_adapters(drawn: Drawn, full: float) -> Iterator[tuple[str, float, Judged]]:
    """Whose each is and at which strength, as in scores.parquet; controls have full strength."""
    for key, judged in drawn.items():
        if isinstance(key, str):
            yield key, full, judged
        else:
            yield BASE if key is None else OWN, key or 0.0, judged


def list_values(
    drawn: Drawn, full: float, prompts: Prompts, splits: Sequence[Sequence[TrainingImage]]
) -> Iterator[dict[str, Any]]:
    """A row for each value behind a mean, with what it is of."""
    subjects = name_subjects(prompts, splits)
    for adapter, strength, judged in name_adapters(drawn, full):
        for score, (values, clusters) in judged.samples.items():
            of = subjects.get(score, subjects["drawn"])
            for (subject, seeds), value, cluster in zip(of, values, clusters, strict=True):
                yield {
                    "score": score,
                    "adapter": adapter,
                    "strength": strength,
                    "subject": subject,
                    "seeds": seeds,
                    "cluster": cluster,
                    "value": value,
                }


def name_subjects(
    prompts: Prompts, splits: Sequence[Sequence[TrainingImage]]
) -> dict[str, list[tuple[str, str]]]:
    """What each value of a score is of: an image and "", or a prompt, or two, and their seeds.

    Scores that are not named here are of each image that was drawn from a caption: "drawn".
    """
    every = list(zip(prompts.texts, map(str, prompts.seeds), strict=True))
    known = int(prompts.related.sum())  # which come first
    related, unrelated = every[:known], every[known:]
    seeds, others = group_seeds(related), group_seeds(unrelated)
    return {
        "drawn": related,
        "pixel_change": every,
        "diversity": [(text, f"{a} {b}") for text, of in seeds for a, b in combinations(of, 2)],
        "copied_prompts": [(text, " ".join(of)) for text, of in seeds],
        "same_image": [
            (f"{first} | {second}", f"{a} {b}")
            for (first, a), (second, b) in combinations(related, 2)
            if first != second
        ],
        "drift": unrelated,
        "overrun": [(text, " ".join(of)) for text, of in others if len(of) > 1],
        "prompts_kept": unrelated if len(others) > 1 else [],
        **{
            name: [(f"{image.image.parent.name}/{image.image.name}", "") for image in split]
            for name, split in zip(LOSSES, splits, strict=True)
        },
    }


def group_seeds(drawn: Sequence[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Each prompt with all its seeds, in the order in which prompts come."""
    seeds: dict[str, list[str]] = {}
    for text, seed in drawn:
        seeds.setdefault(text, []).append(seed)
    return list(seeds.items())


def write_drawings(
    drawn: Drawn, full: float, prompts: Prompts, folder: str | Path
) -> Iterator[dict[str, Any]]:
    """Write every image; yield its row. Images of another evaluation in the folder are removed."""
    folder, written = Path(folder), set()
    folder.mkdir(parents=True, exist_ok=True)
    for adapter, strength, judged in name_adapters(drawn, full):
        for n, image in enumerate(judged.images):
            file = f"{adapter}_{strength:g}_p{prompts.groups[n]:02d}_s{prompts.seeds[n]}{SUFFIX}"
            written.add(file)
            yield {
                "file": file,
                "adapter": adapter,
                "strength": strength,
                "prompt": prompts.texts[n],
                "asked": judged.asked.texts[n],
                "seed": prompts.seeds[n],
                "related": bool(prompts.related[n]),
                **write_image(folder / file, image),
            }
    for path in folder.glob(f"*{SUFFIX}"):
        if path.name not in written:
            path.unlink()


def are_whole(table: str | Path, folder: str | Path) -> bool:
    """Whether every drawn image is as it was written."""
    return not any(file.find_change() for file in iter_written(table, folder))


def list_images(drawn: Drawn) -> Mapping[float | str | None, np.ndarray]:
    """The images alone."""
    return {key: judged.images for key, judged in drawn.items()}
