"""Describe the reference images of the characters just as the film's instances are described.

Reads {roster}/{character}/*; leaves a row per image. The largest person of an image is cut out
and embedded; an image without one, or one that cannot be read, keeps its row with a reason, and so
does everything else in the roster: a file that is no image, a folder of nobody's name.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.people.bodies import find_region
from workflow_scripts.film.people.clusters import mean_distances
from workflow_scripts.film.people.colors import compare_colors, describe_colors
from workflow_scripts.film.people.crops import crop_instance
from workflow_scripts.film.people.roster import (
    NO_CHARACTER,
    NOT_AN_IMAGE,
    find_gaps,
    list_images,
    list_unused,
    name_reference,
)
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.foreign_images import read_image_file
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.read_ahead import take_batches
from workflow_scripts.models.detections import Detect, Detections
from workflow_scripts.models.registry import load_model

REFERENCES = pa.schema(
    [
        ("reference_id", pa.string()),  # nella/01.jpg
        ("character", pa.string()),  # "": in no folder of a character
        ("vector", pa.list_(pa.float32())),  # null where there is a reason
        ("colors", pa.list_(pa.float32())),
        ("reason", pa.string()),  # "" | no_person | unreadable | not_an_image | no_character
    ]
)
UNREADABLE = (None, None, "unreadable")


def choose_person(people: Detections) -> int | None:
    """Row of the person with the largest mask; None where there is nobody."""
    return int(people.masks.sum((1, 2)).argmax()) if len(people) else None


def read_reference(path: str) -> np.ndarray | None:
    """An image RGB, upright; None where it cannot be read, which the log says."""
    try:
        return read_image_file(Path(path))
    except CineloraError as error:
        log.warning("%s", error)
        return None


def detect_ahead(
    images: Iterable[np.ndarray | None], detect: Detect
) -> Iterator[tuple[np.ndarray, Detections] | None]:
    """Each image with what the detector says of it; it sees several at once. None stays None."""
    for batch in take_batches(images):
        shown = [image for image in batch if image is not None]
        found = zip(shown, detect(shown) if shown else [], strict=True)
        yield from (None if image is None else next(found) for image in batch)


def describe_reference(
    image: np.ndarray, found: Detections, segment, pose, embed, padding: float
) -> tuple:
    """Vector, colors and reason of one image in which the detector `found` something."""
    people = segment(image, found)
    row = choose_person(people)
    if row is None:
        return None, None, "no_person"
    person = people.take([row])
    (joints,) = pose([image], person.boxes, person.regions)
    own = None if person.regions is None else person.regions[0]
    region = find_region(own, joints, person.boxes[0])
    (vector,) = embed([crop_instance(image, person.masks[0], padding)])
    return vector, describe_colors(image, person.masks[0], region), ""


def check_readable(reasons: list[str], roster: str) -> None:
    """Stop where people gave images, and not one can be read: nobody would get a name."""
    if reasons and set(reasons) == {"unreadable"}:
        raise CineloraError(
            f"None of the {len(reasons)} reference images in {roster} can be read; the lines above"
            " say why.\n  Convert them to PNG or JPEG, or take them away to go on without names."
        )


def find_mislabeled_references(rows: pd.DataFrame) -> list[str]:
    """Images that look more like another character than like the other images of their own."""
    rows = rows[rows["reason"] == ""]
    labels = pd.factorize(rows["character"])[0]
    if labels.max(initial=0) < 1:
        return []
    colors = np.stack(rows["colors"].to_list())
    means = mean_distances(compare_colors(colors, colors), labels)
    numbers = np.arange(len(rows))
    own = means[numbers, labels]
    means[numbers, labels] = np.inf
    return rows["reference_id"][np.isfinite(own) & (means.min(1) < own)].tolist()


def main(
    images: list[str],
    detect_weights: list[str],
    segment_weights: list[str],
    pose_weights: list[str],
    embed_weights: list[str],
    references: str,
    *,
    roster: str,
    characters: list[str],
    detect: dict,
    segment: dict,
    pose: dict,
    embed: dict,
    padding: float,
) -> Counts:
    for gap in find_gaps(roster, characters):
        log.warning("%s", gap)
    rows: list[tuple] = []
    unwatched = set(list_images(roster, characters)) - set(images)
    images = [*images, *sorted(unwatched)]
    if images:
        roles = [detect, segment, pose, embed]
        weights = [detect_weights, segment_weights, pose_weights, embed_weights]
        find, *models = [load_model(*pair) for pair in zip(roles, weights, strict=True)]
        seen = detect_ahead(map(read_reference, images), find)
        shown = progress(zip(images, seen, strict=True), "embedding references", total=len(images))
        for path, pair in shown:
            name = name_reference(roster, path)
            found = describe_reference(*pair, *models, padding) if pair else UNREADABLE
            rows.append((name, name.split("/")[0], *found))
    check_readable([row[-1] for row in rows], roster)
    for name, character, reason in list_unused(roster, characters):
        rows.append((name, character, None, None, reason))
    table = pd.DataFrame(rows, columns=REFERENCES.names)
    for stray in find_mislabeled_references(table):
        log.warning("%s looks more like somebody else: is it in the right folder?", stray)
    write_manifest(table, references, REFERENCES)
    reasons = table["reason"][~table["reason"].isin([NOT_AN_IMAGE, NO_CHARACTER])]
    return Counts.of("images", reasons, int((reasons == "unreadable").sum()))


if __name__ == "__main__":
    run_phase(main, snakemake)
