"""What the files of all trainers say of a dataset: its folders, its numbers, where it lies.

A trainer that reads folder by folder gets one entry per folder, as `repeats` differ between them.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workflow_scripts.lib.image_folders import MASK_FOLDER

# What a training starts from where a trainer has no default of use: as adapters of the workflow are
# trained on Stable Diffusion 1.5 (`adapter` in config/options/adapter.yaml; a test compares them)
STARTING = {"rank": 8, "alpha": 8, "learning_rate": 0.0001, "steps": 2000}
CACHE = ".cache"  # in the dataset, and hidden: what trainers compute goes with what it is of
SPECIAL = re.compile(r'[][*^$\\|"`!]')  # more than themselves to sed, or in quotes of a shell


@dataclass(frozen=True)
class Part:
    """The images of one folder: of one split, each seen `repeats` times an epoch."""

    split: str
    folder: str  # such as "3_luca boy"
    repeats: int
    rows: pd.DataFrame  # file, mask_file, caption of its images

    @property
    def path(self) -> str:
        """Relative to the dataset."""
        return f"{self.split}/{self.folder}"

    @property
    def is_masked(self) -> bool:
        return bool((self.rows["mask_file"] != "").all())


@dataclass(frozen=True)
class Layout:
    """A packed dataset as trainers are told of it."""

    name: str  # of film and dataset, as its adapter is called: luca-pose
    place: Path  # where its folder will lie, absolute
    resolution: int  # side of the training square in pixels
    parts: tuple[Part, ...]
    ratios: tuple[float, float]  # smallest and largest width / height to train on; 1, 1: none

    def select(self, split: str) -> list[Part]:
        return [part for part in self.parts if part.split == split]

    def locate(self, path: str) -> str:
        """The absolute path of something in the dataset."""
        return f"{self.place}/{path}"

    def locate_masks(self, split: str) -> str:
        return self.locate(f"{split}/{MASK_FOLDER}")

    @property
    def has_masks(self) -> bool:
        return all(part.is_masked for part in self.parts)


def find_layout(name: str, place: Path, resolution: int, rows: pd.DataFrame) -> Layout:
    """`rows` are the images of the dataset, with split, folder, repeats, file, box and caption."""
    groups = rows.sort_values("file").groupby(["split", "folder"], sort=True)
    parts = [
        Part(split, folder, int(group["repeats"].iloc[0]), group)
        for (split, folder), group in groups
    ]
    train = rows[rows["split"] == "train"]
    ratios = (train["x1"] - train["x0"]) / (train["y1"] - train["y0"])
    span = (ratios.min(), ratios.max()) if len(train) else (1.0, 1.0)
    return Layout(name, place, resolution, tuple(parts), span)


def quote(text: str) -> str:
    """A string as TOML, JSON and YAML all read it."""
    return json.dumps(text, ensure_ascii=False)


def count_images(layout: Layout) -> str:
    """The images that a trainer must find, in one line."""
    train, held_out = layout.select("train"), layout.select("validation")
    images = sum(len(part.rows) for part in train)
    epoch = sum(len(part.rows) * part.repeats for part in train)
    masks = images if layout.has_masks else 0
    held = sum(len(part.rows) for part in held_out)
    return (
        f"{layout.name}: {images} images, {epoch} an epoch with repeats, {masks} masks;"
        f" {held} held out"
    )


def count_part(layout: Layout, part: Part) -> str:
    """The same of one folder, as a name: for files without comments, whose loaders show names."""
    held = "held out " if part.split == "validation" else ""
    return f"{layout.name} {held}{part.repeats} x {len(part.rows)} images"


def make_header(layout: Layout) -> list[str]:
    """Comments that each file begins with: what is expected, how the folder is moved."""
    return [f"# {count_images(layout)}", f"# Moved? In its new place: {tell_move(layout)}"]


def tell_move(layout: Layout) -> str:
    """A line for the shell that makes the paths of all files those of the current folder.

    Whatever is special in the old place stands as a dot, which is any character to sed. So the line
    finds itself too, and works again after the next move.
    """
    old = SPECIAL.sub(".", quote(str(layout.place))[1:-1])
    new = r"$(pwd | sed 's/[&|]/\\&/g')"
    return f'sed -i "s|{old}/|{new}/|g" *.toml *.yaml *.json'
