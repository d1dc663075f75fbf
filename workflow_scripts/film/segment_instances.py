"""Find the people of each frame, cut them out, follow them through the shot.

Reads the frames that have an image; leaves one row per person and frame, with its mask and track.
A detector proposes, for several frames at once; a segmenter cuts out and may refuse. Then time
helps: a person that is lost for some frames is looked for again where the frames around place them,
and a weak detection that no clear one of the same track supports is scenery. A segmenter with a
memory of its own (SAM 2) knows itself who is lost and who is who.
"""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from workflow_scripts.film.people.segmentation import detect_ahead, segment_shot
from workflow_scripts.lib.images import RLE, read_rgb
from workflow_scripts.lib.manifest import read_manifest, select_shard, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.read_ahead import read_ahead
from workflow_scripts.models.registry import load_model

INSTANCES = pa.schema(
    [
        ("instance_id", pa.string()),
        ("frame_id", pa.string()),
        ("shot_id", pa.int32()),
        ("track_id", pa.string()),
        ("x0", pa.float32()),  # box of the mask, pixels of the image, end excluded
        ("y0", pa.float32()),
        ("x1", pa.float32()),
        ("y1", pa.float32()),
        ("score", pa.float32()),  # of the detector; of its neighbors in time where it saw nobody
        ("mask", RLE),
        ("height_px", pa.int32()),  # size of the image and of the mask
        ("width_px", pa.int32()),
        ("area_px", pa.int32()),
        ("region", pa.list_(pa.float32())),  # what prompted the model; null when it has no regions
    ]
)
FRAME_COLUMNS = ["frame_id", "shot_id", "frame_no", "time_s", "file"]


def main(
    frames: str,
    images: str,
    detect_weights: list[str],
    segment_weights: list[str],
    instances: str,
    *,
    shard: str,
    detect: dict,
    segment: dict,
    tiling_interval: int,
    max_gap_s: float,
) -> Counts:
    everything = read_manifest(frames, FRAME_COLUMNS)
    shown = select_shard(everything, shard).query("file != ''")
    shown = shown.sort_values(["shot_id", "frame_no"])
    log.info("%d frames in %s; %s, %s", len(shown), shard, detect["name"], segment["name"])
    rows: list[dict] = []
    if len(shown):
        find, cut = load_model(detect, detect_weights), load_model(segment, segment_weights)
        shots = shown.groupby("shot_id", sort=True)
        decoded = read_ahead([Path(images) / file for file in shown["file"]], read_rgb)
        seen = detect_ahead(decoded, find)
        for _, shot in progress(shots, "segmenting shots", total=shots.ngroups):
            rows += segment_shot(
                shot,
                Path(images),
                seen,
                find,
                cut,
                tiling_interval=tiling_interval,
                sure_score=detect["sure_score"],
                max_gap_s=max_gap_s,
            )
    table = pd.DataFrame(rows, columns=INSTANCES.names)
    write_manifest(table, instances, INSTANCES)
    found = {"instances": len(table), "tracks": int(table["track_id"].nunique())}
    return Counts("frames", len(shown), len(shown), found=found)


if __name__ == "__main__":
    run_phase(main, snakemake)
