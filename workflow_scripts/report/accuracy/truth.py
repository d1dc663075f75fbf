"""The ground truth of a film: the tables of its `truth/` folder.

The layout is described in resources/demo_film/README.md.
"""

import io
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.tables import find
from workflow_scripts.lib.value_files import read_values


@dataclass(frozen=True)
class Metric:
    """One measured figure: `value` over `n` cases, beside the goal that it should reach."""

    value: float
    n: int
    goal: float | None = None
    at_least: bool = True  # False: smaller is better


def read_result(results: Path, name: str, columns: list[str] | None = None) -> pd.DataFrame | None:
    """A table of the film as lib.tables names it, whole; None where the film has none."""
    paths = find(name, results)
    return read_manifest(paths, columns) if paths else None


class Truth:
    """Lazy access to the tables. Frames count from 0; boxes are x0, y0, x1, y1, end excluded."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if not (self.folder / "frames.csv").is_file():
            raise CineloraError(f"{folder} holds no frames.csv: not a folder of ground truth.")

    def table(self, name: str) -> pd.DataFrame | None:
        """Read truth/<name>.csv; None where this film does not bring it."""
        path = self.folder / f"{name}.csv"
        return pd.read_csv(path, keep_default_na=False, na_values=[]) if path.is_file() else None

    @cached_property
    def frames(self) -> pd.DataFrame:
        return self.table("frames")

    @cached_property
    def instances(self) -> pd.DataFrame:
        return self.table("instances")

    @cached_property
    def screenplay(self) -> dict:
        return read_values(self.folder / "screenplay.json")

    def frame_numbers(self, times_s: pd.Series) -> np.ndarray:
        """Map times of sampled frames to the nearest frame_no of the truth."""
        truth = self.frames["time_s"].to_numpy(float)
        after = np.clip(np.searchsorted(truth, times_s), 1, len(truth) - 1)
        nearer = np.abs(truth[after - 1] - times_s) <= np.abs(truth[after] - times_s)
        return self.frames["frame_no"].to_numpy()[np.where(nearer, after - 1, after)]

    def mask(self, unique_render_id: str) -> np.ndarray:
        """Palette indices (H, W) uint8: 0 nobody, else screenplay["mask_index"][character]."""
        with self._masks.open(f"masks/{unique_render_id}.png") as file:
            return np.array(Image.open(io.BytesIO(file.read())))

    @cached_property
    def _masks(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(self.folder / "masks.zip")
