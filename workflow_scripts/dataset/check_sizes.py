"""Stop early where a film is smaller than its options ask: before hours of work, not after.

Reads the sizes of the film's images; leaves a row per kind: the largest that an image of it can be,
and the option that this falls short of. Raises where no kind can have an image at all.
"""

import pandas as pd
import pyarrow as pa

from workflow_scripts.dataset.framing import STEP
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase

SIZES = pa.schema(
    [
        ("kind", pa.string()),
        ("reason", pa.string()),  # small: no image of the film can be in; "": there is room
        ("option", pa.string()),  # that no image reaches; "" where all options can be reached
        ("limit_px", pa.float64()),  # what it asks for; null without such an option
        ("found_px", pa.float64()),  # what the film has at most; null likewise
    ]
)
BUCKETS = "the smallest side of a training image"  # of kohya's trainers; no option


def find_limits(kind: str, frame_px: float, body_px: dict[str, float]) -> list[tuple]:
    """What a film must reach for a kind: (name, limit, the side that counts)."""
    limits = [(BUCKETS, STEP, "shorter"), ("filter_frames.min_side_px", frame_px, "shorter")]
    if kind in body_px:  # a body, or a face, is at most as long as the image
        limits.append((f"select_images.min_side_px.{kind}", body_px[kind], "longer"))
    return limits


def judge_sizes(
    sides: pd.DataFrame, kinds: list[str], frame_px: float, body_px: dict[str, float]
) -> pd.DataFrame:
    """A row per kind: the first limit that not one image reaches. `sides`: width_px, height_px."""
    found = {"shorter": sides.min(axis=1).max(), "longer": sides.max(axis=1).max()}
    rows = []
    for kind in kinds:
        limits = find_limits(kind, frame_px, body_px)
        failed = [(name, limit, found[side]) for name, limit, side in limits if found[side] < limit]
        name, limit, most = failed[0] if failed else ("", None, None)
        rows.append((kind, "small" if failed else "", name, limit, most))
    return pd.DataFrame(rows, columns=SIZES.names)


def explain(row: pd.Series, width: int, height: int) -> str:
    """Which size, which option, which value, and what to set."""
    said = f"the film's images are {width}x{height} px, {row['option']} is {row['limit_px']:g} px"
    if row["option"] == BUCKETS:
        return f"{said}: no trainer takes them. Use a larger copy of the film."
    return f"{said}. Set it to {row['found_px']:g} or less, or use a larger copy of the film."


def main(
    frames: str, sizes: str, *, kinds: list[str], min_frame_px: float, min_body_px: dict[str, float]
) -> Counts:
    images = read_manifest(frames, ["file", "width_px", "height_px"])
    images = images.loc[images["file"] != "", ["width_px", "height_px"]]
    rows = judge_sizes(images, kinds, min_frame_px, min_body_px)
    write_manifest(rows, sizes, SIZES)
    small = rows[rows["reason"] != ""]
    width, height = (int(images[side].max()) for side in images) if len(images) else (0, 0)
    lines = [f"{row['kind']}: {explain(row, width, height)}" for _, row in small.iterrows()]
    if len(images) and len(small) == len(rows):
        raise CineloraError("\n  ".join(["no image of this film can be in a dataset.", *lines]))
    for line in lines:
        log.warning("%s", line)
    return Counts("kinds", len(rows), len(rows), found={"small": len(small)})


if __name__ == "__main__":
    run_phase(main, snakemake)
