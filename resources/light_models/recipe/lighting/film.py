"""Measures the light of a film with truth, by its true masks and places: a test, never training.

    python -m resources.light_models.recipe.lighting.film table.parquet ../demo_film --every 4

`every`: frames of the film a sample. Fades, blur and title cards are left out, as where figures are
taken. The columns are those of `tables`, one row per sampled frame.
"""

import argparse
from pathlib import Path

import av
import numpy as np
import pandas as pd

from workflow_scripts.film.measure_lighting import measure_shot
from workflow_scripts.report.accuracy.truth import Truth


def select_frames(truth: Truth, every: int) -> pd.DataFrame:
    rows = truth.frames[truth.frames["frame_no"] % every == 0]
    usual = (rows[["is_title", "is_fade"]] == 0).all(axis=1) & (rows["time_of_day"] != "none")
    return rows[usual].astype({"shot_id": str})


def read_frames(film: Path, numbers: set[int]) -> dict[int, np.ndarray]:
    with av.open(str(film)) as container:
        frames = enumerate(container.decode(video=0))
        return {n: frame.to_ndarray(format="rgb24") for n, frame in frames if n in numbers}


def main(table: Path, folder: Path, every: int) -> None:
    truth = Truth(folder / "truth")
    rows = select_frames(truth, every).set_index("frame_no")
    images, parts = read_frames(folder / "film.mp4", set(rows.index)), []

    def load(frame: int) -> tuple[np.ndarray, np.ndarray]:
        return images[frame], truth.mask(rows.loc[frame, "unique_render_id"]) > 0

    for shot_id, shot in rows.groupby("shot_id"):
        known = shot[["time_of_day", "weather"]].reset_index(drop=True).assign(
            shot=shot_id, location=shot["location"].to_numpy(), kind=shot["location"].to_numpy(),
            indoor=shot["indoor"].map({0: "outdoor", 1: "indoor"}).to_numpy(),
        )  # fmt: skip
        parts.append(known.join(measure_shot(shot.index.tolist(), load)))
    pd.concat(parts, ignore_index=True).to_parquet(table)
    print(f"{table}: {len(rows)} frames of {len(parts)} shots")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("folder", type=Path, help="with film.mp4 and truth/")
    parser.add_argument("--every", type=int, default=4)
    main(**vars(parser.parse_args()))
