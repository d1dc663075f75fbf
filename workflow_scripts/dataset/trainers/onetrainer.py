"""OneTrainer: concepts to load, and where there are masks a folder with them beside the images.

OneTrainer looks for the mask of x.jpg in x-masklabel.png beside it. There sd-scripts would train on
it as on an image, so images, captions and masks are linked once more, into a folder of their own.
"""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from workflow_scripts.dataset.trainers.layout import Layout, Part, count_part
from workflow_scripts.lib.links import link_or_copy

FOLDER = "onetrainer"
VERSION = 2  # of its concepts: with another, it renames keys


def name_concept(layout: Layout, part: Part) -> str:
    """The folder of a concept, relative to the dataset."""
    return name_folder(part.split, part.folder) if layout.has_masks else part.path


def name_folder(split: str, folder: str) -> str:
    # no folder may be called as a split is, or `datasets` takes its images for some of that split
    return f"{FOLDER}/{'' if split == 'train' else 'held_out/'}{folder}"


def name_links(file: str, mask_file: str) -> dict[str, str]:
    """Where an image, its caption and its mask are linked to, by their names in the dataset."""
    image = PurePosixPath(file)
    folder = name_folder(*image.parts[:2])
    return {
        file: f"{folder}/{image.name}",
        str(image.with_suffix(".txt")): f"{folder}/{image.stem}.txt",
        mask_file: f"{folder}/{image.stem}-masklabel.png",
    }


def list_links(layout: Layout) -> Iterator[tuple[str, str]]:
    """What lies in the folder of its own: (file of the dataset, link), both relative to it."""
    for part in layout.parts if layout.has_masks else ():
        for row in part.rows.itertuples():
            yield from name_links(row.file, row.mask_file).items()


def write_links(folder: Path, layout: Layout) -> None:
    for file, link in list_links(layout):
        link_or_copy(folder / file, folder / link)


def format_concepts(layout: Layout) -> str:
    """A concept per folder, held-out ones for its validation; one a line, as JSON."""
    concepts = [json.dumps(_concept(layout, part), ensure_ascii=False) for part in layout.parts]
    return "[\n" + ",\n".join(concepts) + "\n]\n"


def _concept(layout: Layout, part: Part) -> dict:
    return {
        "__version": VERSION,
        "name": count_part(layout, part),
        "path": layout.locate(name_concept(layout, part)),
        "type": "STANDARD" if part.split == "train" else "VALIDATION",
        "seed": 1,  # without one, each start draws another
        "balancing": part.repeats,  # repeats are its default strategy
        "text": {"prompt_source": "sample"},  # the .txt beside each image
    }
