"""Figures about scenes: text, light, places, and what stands where people were taken out.

Judged are sampled frames with an image that are no fade and no dissolve.
Text: pairs of a frame and a kind (title, subtitle, watermark; found text of another kind is wrong).
Letters: of the lines found at a true line's place, those that read like it (spaces aside).
Light: not on title cards; the weather only outdoors, since no window tells it indoors.
Places: purity, the share of frames that belong to the commonest true place of their cluster;
completeness, the same the other way round.
Holes: PSNR against the plate that the truth names for the frame (or that of the shot, for its first
drawing), mean over frames, pixels under text left out; apart for pixels from other frames
("revealed") and painted ones. Characters left: kept backgrounds, cards aside, in which somebody
covers over 0.2 %; of a blurred image, as its sharp one would show them.
"""

from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.lib.images import clip_box, decode_rle, read_rgb
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.tables import find
from workflow_scripts.report.accuracy.truth import Metric, Truth, read_result

FRAMES = ["frame_id", "time_s", "file", "width_px", "height_px", "crop_x", "crop_y"]
MIN_PIXELS = 200  # of a hole, for a PSNR of it
MAX_LEFT = 0.002  # share of the image that may still show somebody
SAME_LETTERS = 0.85
MAX_PSNR = 60.0


def measure(results: Path, truth: Truth) -> dict[str, Metric]:
    """All figures whose tables and truth are there."""
    frames = select_frames(results, truth)
    metrics: dict[str, Metric] = {}
    if (texts := read_result(results, "texts")) is not None:
        metrics |= measure_text(frames, texts, truth)
    if (lighting := read_result(results, "lighting")) is not None:
        metrics |= measure_light(frames, lighting)
    if (locations := read_result(results, "locations")) is not None:
        metrics |= measure_places(frames, locations)
    if tables := find("backgrounds", results):
        holes = frames.merge(read_holes(tables), on="frame_id")
        metrics |= measure_holes(holes, truth) | measure_left(holes, locations, truth)
    return metrics


def select_frames(results: Path, truth: Truth) -> pd.DataFrame:
    """Sampled frames with an image and without fades, each beside its row of the truth."""
    frames = read_result(results, "frames", FRAMES)
    frames = frames[frames["file"] != ""].copy()
    frames["frame_no"] = truth.frame_numbers(frames["time_s"])
    known = truth.frames.drop(columns="time_s").rename(columns={"location": "place"})
    frames = frames.merge(known, on="frame_no")
    return frames[frames["is_fade"] == 0].reset_index(drop=True)


def measure_text(frames: pd.DataFrame, text: pd.DataFrame, truth: Truth) -> dict[str, Metric]:
    lines = truth.table("text")
    if lines is None:  # then the truth knows of title cards only
        lines = truth.frames.loc[truth.frames["is_title"] == 1, ["frame_no"]].assign(kind="title")
    expected = frames[["frame_id", "frame_no"]].merge(lines, on="frame_no")
    found = text[text["frame_id"].isin(frames["frame_id"])]
    true_pairs = set(zip(expected["frame_id"], expected["kind"], strict=True))
    found_pairs = set(zip(found["frame_id"], found["kind"], strict=True))
    both = len(true_pairs & found_pairs)
    metrics = {}
    if found_pairs:
        metrics["text_precision"] = Metric(both / len(found_pairs), len(found_pairs), 0.95)
    if true_pairs:
        metrics["text_recall"] = Metric(both / len(true_pairs), len(true_pairs), 0.95)
    if "text" in lines:
        read = read_alike(frames, expected, found)
        if read:
            metrics["text_letters"] = Metric(float(np.mean(read)), len(read), 0.95)
    return metrics


def read_alike(frames: pd.DataFrame, expected: pd.DataFrame, found: pd.DataFrame) -> list[bool]:
    """For each true line with a found line at its place: whether their letters are alike."""
    crops = frames.set_index("frame_id")[["crop_x", "crop_y"]]
    by_frame = dict(list(found.groupby("frame_id")))
    alike = []
    for line in expected.itertuples():
        crop_x, crop_y = crops.loc[line.frame_id]
        x, y = (line.x0 + line.x1) / 2 - crop_x, (line.y0 + line.y1) / 2 - crop_y
        here = by_frame.get(line.frame_id, found[:0])
        here = here[here["x0"].le(x) & here["x1"].ge(x) & here["y0"].le(y) & here["y1"].ge(y)]
        if len(here):
            pair = [words.replace(" ", "").lower() for words in (line.text, here["text"].iloc[0])]
            alike.append(SequenceMatcher(None, *pair).ratio() >= SAME_LETTERS)
    return alike


def measure_light(frames: pd.DataFrame, lighting: pd.DataFrame) -> dict[str, Metric]:
    both = frames.merge(lighting, on="frame_id", suffixes=("_true", ""))
    both = both[(both["is_title"] == 0) & (both["time_of_day_true"] != "none")]
    if both.empty:
        return {}
    indoor = both["indoor_true"].map({0: "outdoor", 1: "indoor"})
    outside = both[indoor == "outdoor"]
    right = {
        "time_of_day_accuracy": (both["time_of_day"] == both["time_of_day_true"], 0.95),
        "indoor_accuracy": (both["indoor"] == indoor, 0.98),
        "weather_accuracy": (outside["weather"] == outside["weather_true"], 0.90),
    }
    return {
        name: Metric(float(hits.mean()), len(hits), goal)
        for name, (hits, goal) in right.items()
        if len(hits)
    }


def measure_places(frames: pd.DataFrame, locations: pd.DataFrame) -> dict[str, Metric]:
    both = frames[frames["is_title"] == 0].merge(locations, on="frame_id")
    if both.empty:
        return {}
    counts = pd.crosstab(both["location"], both["place"]).to_numpy()
    total = counts.sum()
    return {
        "location_purity": Metric(float(counts.max(1).sum() / total), len(both), 0.95),
        "location_completeness": Metric(float(counts.max(0).sum() / total), len(both), 0.95),
    }


def read_holes(tables: list[Path]) -> pd.DataFrame:
    """frame_id, clean (path of the clean image, "" where nobody was found), hole, painted."""
    parts = []
    for table in tables:
        rows = read_manifest(table, ["frame_id", "file", "hole", "painted"])
        folder = table.with_name(f"{table.stem}_images")
        rows["clean"] = [str(folder / name) if name else "" for name in rows.pop("file")]
        parts.append(rows)
    return pd.concat(parts)


def measure_holes(holes: pd.DataFrame, truth: Truth) -> dict[str, Metric]:
    values: dict[str, list[float]] = {"revealed": [], "never_revealed": []}
    lines = truth.table("text")
    for frame in holes[holes["clean"] != ""].itertuples():
        plate = find_plate(frame, truth)
        if plate is None:
            continue
        size = (frame.height_px, frame.width_px)
        hole, painted = decode_rle(frame.hole, *size), decode_rle(frame.painted, *size)
        under = find_text(frame, lines)
        error = (read_rgb(frame.clean).astype(np.float32) - plate) ** 2
        for name, part in (("revealed", hole & ~painted), ("never_revealed", painted)):
            part = part & ~under
            if part.sum() >= MIN_PIXELS:
                values[name].append(to_psnr(float(error[part].mean())))
    goals = {"revealed": 25.0, "never_revealed": None}
    return {
        f"inpaint_psnr_{name}": Metric(float(np.mean(psnr)), len(psnr), goals[name])
        for name, psnr in values.items()
        if psnr
    }


def to_psnr(error: float) -> float:
    """Decibels of a mean squared error of pixels from 0 to 255."""
    return min(MAX_PSNR, 10 * np.log10(255**2 / max(error, 1e-9)))


def find_plate(frame: tuple, truth: Truth) -> np.ndarray | None:
    """The truth's image of this frame without people, cropped as the frame is."""
    if "plate" in truth.frames.columns:
        name = frame.plate
    else:
        same_shot = truth.frames[truth.frames["shot_id"] == frame.shot_id]
        first = same_shot["unique_render_id"].iloc[0] == frame.unique_render_id
        name = f"shot_{frame.shot_id:02d}.jpg" if first else ""
    path = truth.folder / "plates" / name
    if not name or not path.is_file():
        return None
    return crop(read_rgb(path), frame)


def crop(image: np.ndarray, frame: tuple) -> np.ndarray:
    """The part of an image of the whole film frame that the frame's image shows."""
    bottom, right = frame.crop_y + frame.height_px, frame.crop_x + frame.width_px
    return image[frame.crop_y : bottom, frame.crop_x : right]


def find_text(frame: tuple, lines: pd.DataFrame | None) -> np.ndarray:
    """Pixels (H, W) bool of the frame's image that lie under true text."""
    under = np.zeros((frame.height_px, frame.width_px), bool)
    here = lines[lines["frame_no"] == frame.frame_no] if lines is not None else pd.DataFrame()
    for line in here.itertuples():
        box = np.subtract([line.x0, line.y0, line.x1, line.y1], [frame.crop_x, frame.crop_y] * 2)
        x0, y0, x1, y1 = clip_box(box + [-4, -4, 4, 4], frame.width_px, frame.height_px)
        under[y0:y1, x0:x1] = True
    return under


def measure_left(
    holes: pd.DataFrame, locations: pd.DataFrame | None, truth: Truth
) -> dict[str, Metric]:
    if locations is not None:
        kept = locations.loc[locations["reason"] == "", "frame_id"]
        holes = holes[holes["frame_id"].isin(kept)]
    left = []
    for frame in holes[holes["is_title"] == 0].itertuples():
        people = crop(truth.mask(frame.unique_render_id), frame) > 0
        hole = decode_rle(frame.hole, frame.height_px, frame.width_px)
        left.append((people & ~hole).mean() > MAX_LEFT)
    if not left:
        return {}
    value = float(np.mean(left))
    return {"background_characters_left": Metric(value, len(left), 0.02, at_least=False)}
