"""Figures about overlaid text in packed datasets: what of an epoch shows it, and what learns it.

An image counts where true text (titles, subtitles, watermarks) lies inside what it shows of its
frame. It shows the text unless that was painted over and masked out; it teaches the text, or the
paint, where its mask is white there, or where it has no mask. Both are shares of what training
sees, over all datasets: images times repeats.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.lib.boxes import BOX
from workflow_scripts.lib.images import clip_box, read_rgb
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.tables import find
from workflow_scripts.report.accuracy.truth import Metric, Truth, read_result

ROWS = ["image_id", "frame_id", "split", "repeats", "mask_file", "overlay_text", *BOX]


def measure(results: Path, truth: Truth) -> dict[str, Metric]:
    """Both figures; none where the film's truth names no text, or nothing is packed."""
    lines, paths = truth.table("text"), find("packed", results)
    frames = read_result(results, "frames", ["frame_id", "time_s"])
    if lines is None or frames is None or not paths:
        return {}
    numbers = dict(zip(frames["frame_id"], truth.frame_numbers(frames["time_s"]), strict=True))
    boxes = {no: group[BOX].to_numpy(float) for no, group in lines.groupby("frame_no")}
    packed = [judge_images(path, numbers, boxes) for path in paths]
    rows = pd.concat(packed)
    seen = max(int(rows["repeats"].sum()), 1)
    names = {"packed_text_shown": "shows", "packed_text_learned": "learns"}
    return {
        name: Metric(float((rows[column] * rows["repeats"]).sum() / seen), len(rows), 0.01, False)
        for name, column in names.items()
    }


def judge_images(path: Path, numbers: dict[str, int], boxes: dict[int, np.ndarray]) -> pd.DataFrame:
    """The training images of one dataset, and whether each shows and learns true text.

    `path` is its dataset.parquet, `boxes` are those of true text by number of the frame.
    """
    rows = read_manifest(path, ROWS).query("split == 'train'")
    shows, learns = [], []
    for row in rows.to_dict("records"):
        shift = np.array([row["x0"], row["y0"]] * 2)
        size = row["x1"] - row["x0"], row["y1"] - row["y0"]
        texts = boxes.get(numbers[row["frame_id"]], np.zeros((0, 4))) - shift
        inside = [box for box in (clip_box(text, *size) for text in texts) if _has_pixels(box)]
        learned = bool(inside) and _is_learned(path.parent, row["mask_file"], inside)
        shows.append(bool(inside) and (learned or row["overlay_text"] != "painted"))
        learns.append(learned)
    return rows.assign(shows=shows, learns=learns)


def _has_pixels(box: tuple[int, int, int, int]) -> bool:
    return box[2] > box[0] and box[3] > box[1]


def _is_learned(folder: Path, mask_file: str, inside: list[tuple]) -> bool:
    """Whether the mask is white anywhere in the boxes; without a mask all is learned."""
    if not mask_file:
        return True
    mask = read_rgb(folder / mask_file)[..., 0] > 0
    return any(bool(mask[y0:y1, x0:x1].any()) for x0, y0, x1, y1 in inside)
