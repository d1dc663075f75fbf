"""Stop early where a film is smaller than its options ask: before hours of work, not after.

Reads the sizes of the film's images; leaves the largest of them, which no option changes. Raises
where no kind of dataset can have an image at all.
"""

import pandas as pd
import pyarrow as pa

from workflow_scripts.dataset.framing import STEP
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase

SIZES = pa.schema(
    [
        ("side", pa.string()),  # shorter or longer
        ("largest_px", pa.int32()),  # of all images of the film; 0 where it gave none
    ]
)
BUCKETS = "the smallest side of a training image"  # of kohya's trainers; no option


def find_limits(kind: str, limits: dict) -> list[tuple[str, float, str]]:
    """What a film must reach for a kind: name of the limit, its value, the side that counts."""
    found = [
        (BUCKETS, STEP, "shorter"),
        ("filter_frames.min_side_px", limits["frame_px"], "shorter"),
    ]
    if kind in limits["body_px"]:  # a body, or a face, is at most as long as the image
        option = f"select_images.min_side_px.{kind}"
        found.append((option, limits["body_px"][kind], "longer"))
    return found


def find_missed(kind: str, sides: dict[str, int], limits: dict) -> tuple[str, float, str] | None:
    """The first limit that not one image reaches, as find_limits names it; None where all can."""
    found = find_limits(kind, limits)
    return next(((name, px, side) for name, px, side in found if sides[side] < px), None)


def explain_small(missed: dict[str, tuple[str, float, str]], sides: dict[str, int]) -> list[str]:
    """A line per limit that is missed: of which kinds, size, option, value, and what to set."""
    lines = []
    for name, limit, side in dict.fromkeys(missed.values()):
        kinds = ", ".join(kind for kind, row in missed.items() if row == (name, limit, side))
        said = f"the {side} side of the film's images is {sides[side]} px at most,"
        remedy = "Use" if name == BUCKETS else f"Set it to {sides[side]} or less, or use"
        said += f" {name} is {limit:g} px. {remedy} a larger copy of the film."
        lines.append(f"{kinds}: {said}")
    return lines


def main(frames: str, sizes: str, *, limits: dict) -> Counts:
    """`limits`: kinds of the film, frame_px, and body_px of kinds whose bodies have a limit."""
    images = read_manifest(frames, ["file", "width_px", "height_px"])
    images = images.loc[images["file"] != "", ["width_px", "height_px"]]
    shorter, longer = images.min(axis=1).max(), images.max(axis=1).max()
    sides = {"shorter": int(shorter), "longer": int(longer)} if len(images) else {}
    found = {kind: find_missed(kind, sides, limits) for kind in limits["kinds"] if sides}
    missed = {kind: limit for kind, limit in found.items() if limit}
    lines = explain_small(missed, sides)
    if missed and len(missed) == len(found):
        raise CineloraError("\n  ".join(["no image of this film can be in a dataset.", *lines]))
    for line in lines:
        log.warning("%s", line)
    rows = [(side, sides.get(side, 0)) for side in ("longer", "shorter")]
    write_manifest(pd.DataFrame(rows, columns=SIZES.names), sizes, SIZES)
    kinds = len(limits["kinds"])
    return Counts("kinds", kinds, kinds, found={"small": len(missed)})


if __name__ == "__main__":
    run_phase(main, snakemake)
