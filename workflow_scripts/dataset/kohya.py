"""Datasets on disk as trainers read them: kohya's folders and TOML, metadata.jsonl of datasets."""

import json
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from workflow_scripts.dataset.framing import STEP
from workflow_scripts.lib.manifest import replace_when_done

MIN_BUCKET, MAX_BUCKET = 256, 1024  # px; sides that the base model has seen


@contextmanager
def folder_when_done(path: str | Path) -> Iterator[Path]:
    """Hand out an empty folder beside `path`; it takes that place when the block ends well."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    if path.exists():
        shutil.rmtree(path)
    partial.rename(path)


def name_folder(repeats: int, subject: str) -> str:
    """kohya's folder: how often each image is seen in an epoch, then what it teaches."""
    return f"{repeats}_{subject}"


def bucket_loss(width: int, height: int, resolution: int) -> tuple[float, float]:
    """Share of width and of height that training cuts off, with buckets and without upscaling.

    As sd-scripts chooses with bucket_no_upscale: scale down to the area of resolution^2, one side a
    multiple of the step, then cut both sides to multiples of it.
    """
    ratio, area = width / height, resolution**2
    if width * height <= area:
        return (width % STEP) / width, (height % STEP) / height
    round_width = _round(math.sqrt(area * ratio))
    round_height = _round(area / math.sqrt(area * ratio))
    by_width = round_width / _round(round_width / ratio)
    by_height = _round(round_height * ratio) / round_height
    if abs(by_width - ratio) < abs(by_height - ratio):
        size = round_width, int(round_width / ratio + 0.5)
    else:
        size = int(round_height * ratio + 0.5), round_height
    return (size[0] % STEP) / size[0], (size[1] % STEP) / size[1]


def _round(side: float) -> int:
    return max(STEP, int(side + 0.5) // STEP * STEP)


def write_texts(folder: Path, rows: pd.DataFrame) -> None:
    """Write the caption of each image beside it: same stem, .txt, UTF-8, one line."""
    for row in rows.itertuples():
        (folder / row.file).with_suffix(".txt").write_bytes(encode_caption(row.caption))


def encode_caption(caption: str) -> bytes:
    """What the file of a caption holds."""
    return f"{caption}\n".encode()


def write_metadata(folder: Path, rows: pd.DataFrame, columns: list[str]) -> None:
    """Write a split's metadata.jsonl; file names are relative to it, other columns become features.

    `rows` has file and mask_file relative to the dataset, such as "train/3_nella woman/x.jpg".
    """
    with (
        replace_when_done(folder / "metadata.jsonl") as partial,
        partial.open("w", encoding="utf-8") as lines,
    ):
        for row in rows.to_dict("records"):
            entry = {"file_name": _inside(row["file"]), "text": row["caption"]}
            if row["mask_file"]:
                entry["mask_file_name"] = _inside(row["mask_file"])
            entry |= {name: row[name] for name in columns}
            lines.write(json.dumps(entry, ensure_ascii=False) + "\n")


def _inside(file: str) -> str:
    """A path without its first folder, the split."""
    return file.partition("/")[2]


def write_toml(path: Path, rows: pd.DataFrame, *, resolution: int, masks: bool) -> None:
    """Write the dataset config of sd-scripts: a block to train on, a block that is held out.

    The held-out block has no masks: sd-scripts refuses them there. Its validation_split of 1.0
    makes every image of it a validation image; the key inside a subset would be refused.
    """
    lines = ["# For kohya's sd-scripts. Paths are relative to this folder: start the trainer here."]
    lines += ["# Add --masked_loss, or it refuses the masks."] if masks else []
    for split in ("train", "validation"):
        part = rows[rows["split"] == split]
        if part.empty:
            continue
        lines += ["", "[[datasets]]", *_settings(resolution)]
        lines += ["validation_split = 1.0"] if split == "validation" else []
        for folder, group in part.groupby("folder", sort=True):
            lines += ["", *_subset(f"{split}/{folder}", int(group["repeats"].iloc[0]))]
            if masks and split == "train":
                lines.append(f"conditioning_data_dir = {json.dumps(f'{split}/masks')}")
    with replace_when_done(path) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _settings(resolution: int) -> list[str]:
    return [
        f"resolution = {resolution}",
        "batch_size = 1",
        "enable_bucket = true",
        f"min_bucket_reso = {min(MIN_BUCKET, resolution)}",
        f"max_bucket_reso = {max(MAX_BUCKET, 2 * resolution)}",
        f"bucket_reso_steps = {STEP}",
        "bucket_no_upscale = true",
    ]


def _subset(folder: str, repeats: int) -> list[str]:
    return [
        "[[datasets.subsets]]",
        f"image_dir = {json.dumps(folder, ensure_ascii=False)}",
        f"num_repeats = {repeats}",
        'caption_extension = ".txt"',  # the default is .caption: without this line, no captions
        "keep_tokens = 1",  # comma-separated parts: the trigger stays first when shuffled
        "shuffle_caption = false",
        "flip_aug = false",  # characters are not symmetric
        "color_aug = false",  # color is the character, and the light
    ]
