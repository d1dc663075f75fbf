"""The results of one film as the report reads them: what the rule declares, a part at a time."""

from collections.abc import Collection, Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workflow_scripts.lib.manifest import iter_batches, read_manifest
from workflow_scripts.lib.tables import RESULTS, locate


class Results:
    """Tables and images below results/{film}, by their names in lib.tables."""

    def __init__(self, folder: str | Path, files: Sequence[str | Path]):
        self.folder = Path(folder)
        self.files = sorted(Path(file).relative_to(self.folder).as_posix() for file in files)

    def paths(self, name: str, dataset: str = "*") -> list[Path]:
        """Declared files of a result, all shards of it, in order of their names."""
        pattern = RESULTS[name].pattern_of(dataset)
        return [self.folder / file for file in self.files if fnmatch(file, pattern)]

    def has(self, name: str) -> bool:
        """Whether the film's kinds need this result at all."""
        return bool(self.paths(name))

    def table(self, name: str, columns: Sequence[str]) -> pd.DataFrame:
        """The named columns of a table, all shards together; no rows where it was not asked for."""
        paths = self.paths(name)
        return read_manifest(paths, list(columns)) if paths else _no_rows(columns)

    def path(self, name: str, dataset: str) -> Path:
        """Where a result of one dataset lies."""
        return Path(locate(name, self.folder, dataset=dataset)[0])

    def single(self, name: str) -> Path | None:
        """Where a result lies that there is one of; None where it was not asked for."""
        return next(iter(self.paths(name)), None)

    def rows(
        self, name: str, columns: Sequence[str], ids: Collection[str], dataset: str = "*"
    ) -> pd.DataFrame:
        """Few rows of a wide table (masks, keypoints), by the id in the first of `columns`.

        The file is streamed, so that a film's masks are never in memory together.
        """
        paths = [str(path) for path in self.paths(name, dataset)]
        if not paths or not ids:
            return _no_rows(columns)
        wanted = pa.array(sorted(ids))
        batches = (batch for path in paths for batch in iter_batches(path, list(columns)))
        parts = [batch.filter(pc.is_in(batch[columns[0]], wanted)) for batch in batches]
        if not parts:
            return _no_rows(columns)
        rows = pa.Table.from_batches(parts).select(list(columns)).to_pandas()
        return rows.sort_values(columns[0], ignore_index=True)

    def image(self, name: str, file: str) -> Path | None:
        """Path of an image in a folder of images, or in that of whichever shard holds it."""
        folders = self.paths(name)
        return next((path for folder in folders if (path := folder / file).is_file()), None)

    @cache  # noqa: B019 - one object lives as long as the report is drawn
    def frames(self) -> pd.DataFrame:
        """Every sampled frame: place in the film, image, and why it was set aside, if it was."""
        columns = ["frame_id", "shot_id", "frame_no", "time_s", "file", "width_px", "height_px"]
        frames = self.table("frames", columns)
        decisions = self.table("decisions", ["frame_id", "reason"])
        return frames.merge(decisions, on="frame_id", how="left", validate="one_to_one")

    @cache  # noqa: B019
    def frames_by_id(self) -> pd.DataFrame:
        """The same frames, indexed by frame_id."""
        return self.frames().set_index("frame_id")

    @cache  # noqa: B019
    def people(self) -> pd.DataFrame:
        """Every instance: frame, box, track, and who it is ("" where nobody was named)."""
        columns = ["instance_id", "frame_id", "track_id", "x0", "y0", "x1", "y1", "area_px"]
        people = self.table("instances", columns)
        if not self.has("identities"):
            return people.assign(character="", who_reason="")
        who = self.table("identities", ["instance_id", "character", "reason"]).rename(
            columns={"reason": "who_reason"}
        )
        return people.merge(who, on="instance_id", how="left", validate="one_to_one")


def _no_rows(columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
