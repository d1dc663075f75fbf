"""Hugging Face's datasets: metadata.jsonl of each split, for `load_dataset("imagefolder")`."""

import json
from pathlib import Path

import pandas as pd

from workflow_scripts.lib.manifest import replace_when_done

COLUMNS = ["image_id", "shot_id", "category", "repeats"]  # beside image, text and mask


def write_metadata(folder: Path, rows: pd.DataFrame) -> None:
    """Write a split's metadata.jsonl; file names are relative to it, other columns are features.

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
            entry |= {name: row[name] for name in COLUMNS}
            lines.write(json.dumps(entry, ensure_ascii=False) + "\n")


def _inside(file: str) -> str:
    """A path without its first folder, the split."""
    return file.partition("/")[2]
