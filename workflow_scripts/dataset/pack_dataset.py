"""Write one dataset as trainers read it: crops, masks, names, captions, metadata.

Reads which images select_images chose, and their captions; leaves a folder: train/ and validation/
with images, captions, masks and metadata.jsonl; the files of each trainer; dataset.parquet with
every candidate and the reason why it is not in; counts.json. Frames and clean plates are hard
links: edit copies, not these files. A dataset without images is a folder that says why, in
EMPTY.txt.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from workflow_scripts.dataset.captions import find_trigger, name_subject
from workflow_scripts.dataset.crop_losses import find_cut_faces, measure_loss
from workflow_scripts.dataset.crops import find_crops
from workflow_scripts.dataset.dataset_counts import count_dataset, format_counts
from workflow_scripts.dataset.diversity import measure_diversity
from workflow_scripts.dataset.emptiness import explain_empty, format_empty, write_empty
from workflow_scripts.dataset.image_files import (
    folder_when_done,
    read_masks,
    write_images,
    write_masks,
    write_texts,
)
from workflow_scripts.dataset.names import name_images
from workflow_scripts.dataset.packed_files import check_files
from workflow_scripts.dataset.sources import read_sources
from workflow_scripts.dataset.trainers.files import write_trainer_files
from workflow_scripts.dataset.trainers.hugging_face import write_metadata
from workflow_scripts.dataset.trainers.kohya import name_folder
from workflow_scripts.dataset.trainers.layout import find_layout
from workflow_scripts.dataset.trainers.onetrainer import list_links
from workflow_scripts.dataset.vocabulary import read_vocabulary
from workflow_scripts.lib.image_folders import MASK_FOLDER
from workflow_scripts.lib.kinds import Kind, split_name
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase
from workflow_scripts.lib.written_files import NO_FILE, SUMS, Sums, Written

DATASET = pa.schema(
    [
        ("image_id", pa.string()),
        ("frame_id", pa.string()),
        ("shot_id", pa.int32()),
        ("split_group", pa.int64()),  # shots that share a duplicate are never split
        ("group", pa.string()),  # duplicate group of the frame
        ("view_group", pa.string()),  # near-identical clean backgrounds; "" for other kinds
        ("file", pa.string()),  # relative to the dataset; "" when it is not in it
        *SUMS,  # of that file
        ("mask_file", pa.string()),  # white = learn; "" for kinds without masks
        *((f"mask_{name}", kind) for name, kind in SUMS),
        ("split", pa.string()),  # train, validation or ""
        ("folder", pa.string()),
        ("repeats", pa.int32()),
        ("caption", pa.string()),
        ("category", pa.string()),  # what the kind is balanced over
        ("character", pa.string()),
        ("action", pa.string()),
        ("view", pa.string()),
        ("shot_type", pa.string()),
        ("emotion", pa.string()),
        ("intensity", pa.string()),
        ("location", pa.string()),
        ("time_of_day", pa.string()),
        ("weather", pa.string()),
        ("indoor", pa.string()),
        ("x0", pa.int32()),  # what was cut out of the frame, pixels, end excluded
        ("y0", pa.int32()),
        ("x1", pa.int32()),
        ("y1", pa.int32()),
        ("crop_loss", pa.float32()),  # share of the image that training buckets cut off
        ("overlay_text", pa.string()),  # cropped, painted, kept, set_aside; "": none shows
        ("face_cut", pa.bool_()),  # part of a face lies in what they cut off
        ("reason", pa.string()),  # "": in the dataset
    ]
)


def read_candidates(selection: str, captions: str) -> pd.DataFrame:
    """Every candidate as select_images judged it, with its caption; "" where it has none."""
    said = read_manifest(captions, ["image_id", "caption"])
    rows = read_manifest(selection).merge(said, "left", "image_id", validate="one_to_one")
    return rows.fillna({"caption": ""})


def place_images(kind: Kind, rows: pd.DataFrame, stems: pd.Series, subject: str) -> pd.DataFrame:
    """Add folder, file and mask_file; empty for what is not in the dataset."""
    chosen = rows["split"] != ""
    folders = pd.Series([name_folder(n, subject) for n in rows["repeats"]], rows.index)
    folders = folders.where(chosen, "")
    sources = rows["plate"].where(rows["plate"] != "", rows["frame_file"])  # a frame of nobody
    suffixes = [Path(name).suffix for name in sources] if kind.is_of_frames else ".jpg"
    files = rows["split"] + "/" + folders + "/" + stems + suffixes
    masks = rows["split"] + f"/{MASK_FOLDER}/" + stems + ".png"
    return rows.assign(
        folder=folders,
        file=files.where(chosen, ""),
        mask_file=masks.where(chosen & bool(kind.masks), ""),
    )


def frame_images(kind: Kind, rows: pd.DataFrame, images: Path, resolution: int) -> pd.DataFrame:
    """Add what each image shows of its frame (in place of what it is cut around), and its losses.

    Candidates that are not in the dataset get a box of zeros: nothing is cut for them.
    """
    crops = find_crops(kind, rows, rows["split"] != "", images)
    boxes = crops[["x0", "y0", "x1", "y1"]].to_numpy(int)
    losses = measure_loss(boxes, resolution)
    rows = rows.assign(x0=0, y0=0, x1=0, y1=0, crop_loss=0.0, face_cut=False)
    rows.loc[crops.index, ["x0", "y0", "x1", "y1"]] = boxes
    rows.loc[crops.index, "crop_loss"] = 1 - (1 - losses).prod(1)
    rows.loc[crops.index, "face_cut"] = find_cut_faces(crops, boxes, losses)
    return rows


def write_folder(
    kind: Kind,
    chosen: pd.DataFrame,
    folder: Path,
    sources: Mapping[str, Written],
    masks: Sequence[str],
    options: Mapping[str, Any],
) -> tuple[dict[str, Sums], dict[str, Sums]]:
    """Write images, masks, captions and metadata.

    Returns size and sha256 of images and of masks, by image_id.
    """
    image_sums, mask_sums = write_images(kind, chosen, folder, sources), {}
    if kind.masks:
        runs = read_masks(kind, masks, chosen["image_id"])
        mask_sums = write_masks(kind, chosen, folder, runs, options["mask_dilate_px"])
    write_texts(folder, chosen)
    for split, part in chosen.groupby("split"):
        write_metadata(folder / split, part)
    return image_sums, mask_sums


def add_sums(
    rows: pd.DataFrame, image_sums: Mapping[str, Sums], mask_sums: Mapping[str, Sums]
) -> pd.DataFrame:
    """Add size and sha256 of what was written, by image_id; those of no file to all others."""
    columns = {}
    for prefix, sums in (("", image_sums), ("mask_", mask_sums)):
        known = [sums.get(image_id, NO_FILE) for image_id in rows["image_id"]]
        columns |= {f"{prefix}{name}": [one[name] for one in known] for name in NO_FILE}
    return rows.assign(**columns)


def write_tables(
    kind: Kind, rows: pd.DataFrame, folder: Path, about: Mapping[str, Any], min_images: int
) -> dict[str, Any]:
    """Write dataset.parquet, and counts.json with `about` before the counts; return these."""
    write_manifest(rows[DATASET.names], folder / "dataset.parquet", DATASET)
    train = [folder / file for file in rows.loc[rows["split"] == "train", "file"]]
    counts = count_dataset(kind, rows, min_images) | {"diversity": measure_diversity(train)}
    text = json.dumps({**about, **counts}, indent=1, ensure_ascii=False)
    (folder / "counts.json").write_text(text, encoding="utf-8")
    return counts


def main(
    selection: str,
    captions: str,
    frames: str,
    images: str,
    vocabulary: str,
    dataset: str,
    *,
    name: str,
    film: str,
    characters: dict,
    style: dict,
    triggers: dict,
    options: dict,
    seed: int,
    masks: Sequence[str] = (),
    backgrounds: Sequence[str] = (),
    plates: Sequence[str] = (),
) -> Counts:
    """Pack one dataset; `seed` is what select_images drew the split with."""
    kind, character = split_name(name)
    rows = read_candidates(selection, captions)
    trigger, class_word = find_trigger(kind, film, triggers, style, characters.get(character))
    words = read_vocabulary(vocabulary)["file_words"]
    stems = name_images(kind, rows, words, style.get("trigger", film).removesuffix(" style"))
    rows = place_images(kind, rows, stems, name_subject(trigger, class_word))
    chosen = rows["split"] != ""
    sources = read_sources(kind, rows[chosen], frames, images, backgrounds, plates)
    rows = frame_images(kind, rows, Path(images), options["resolution"])
    why = explain_empty(kind, character, film, rows["reason"])
    about = {"dataset": name, "kind": kind.name, "trigger": trigger, "class": class_word}
    about |= {"seed": seed, "empty": why}
    with folder_when_done(dataset) as folder:
        if why:
            write_empty(folder, format_empty(name, len(rows), why))
            rows, links = add_sums(rows, {}, {}), []
        else:
            sums = write_folder(kind, rows[chosen], folder, sources, masks, options)
            rows, place = add_sums(rows, *sums), Path(dataset).absolute()
            layout = find_layout(f"{film}-{name}", place, options["resolution"], rows[chosen])
            write_trainer_files(folder, layout)
            links = [link for _, link in list_links(layout)]
        check_files(folder, rows[chosen], links)
        counts = write_tables(kind, rows, folder, about, options["min_per_category"])
    for line in format_counts(name, counts):
        log.info("%s", line)
    for line in format_empty(name, len(rows), why):
        log.warning("%s", line)
    return Counts.of("images", rows["reason"], **counts["splits"])


if __name__ == "__main__":
    run_phase(main, snakemake)
