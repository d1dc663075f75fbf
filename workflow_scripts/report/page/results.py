"""The results of one film as the report reads them: what the rule declares, a part at a time."""

from collections.abc import Collection, Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from workflow_scripts.lib.manifest import check_columns, read_manifest


class Results:
    """Tables and images below results/{film}, by the names that the contract of phases gives."""

    def __init__(self, folder: str | Path, files: Sequence[str | Path]):
        self.folder = Path(folder)
        self.files = sorted(Path(file).relative_to(self.folder).as_posix() for file in files)

    def paths(self, pattern: str) -> list[Path]:
        """Declared files such as "segment_instances/*.parquet", in order of their names."""
        return [self.folder / file for file in self.files if fnmatch(file, pattern)]

    def has(self, phase: str) -> bool:
        """Whether the film's kinds need this phase at all."""
        return bool(self.paths(f"{phase}/*"))

    def table(self, pattern: str, columns: Sequence[str]) -> pd.DataFrame:
        """The named columns of a table, all shards together; no rows where it was not asked for."""
        paths = self.paths(pattern)
        if not paths:
            return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
        return read_manifest(paths, list(columns))

    def dataset(self, name: str, columns: Sequence[str]) -> pd.DataFrame:
        """The named columns of datasets/{name}/dataset.parquet."""
        return read_manifest(self.folder / "datasets" / name / "dataset.parquet", list(columns))

    def rows(self, pattern: str, columns: Sequence[str], ids: Collection[str]) -> pd.DataFrame:
        """Few rows of a wide table (masks, keypoints), by the id in the first of `columns`.

        The file is streamed, so that a film's masks are never in memory together.
        """
        paths = [str(path) for path in self.paths(pattern)]
        if not paths or not ids:
            return self.table("nothing", columns)
        for path in paths:
            check_columns(Path(path), pq.read_schema(path).names, columns)
        wanted = pc.field(columns[0]).isin(sorted(ids))
        table = ds.dataset(paths, format="parquet").scanner(
            columns=list(columns), filter=wanted, batch_size=512, batch_readahead=1
        )
        return table.to_table().to_pandas().sort_values(columns[0], ignore_index=True)

    def image(self, phase: str, file: str) -> Path | None:
        """Path of an image in a phase's images, or in those of whichever shard holds it."""
        folders = self.paths(f"{phase}/*images")
        return next((path for folder in folders if (path := folder / file).is_file()), None)

    @cache  # noqa: B019 - one object lives as long as the report is drawn
    def frames(self) -> pd.DataFrame:
        """Every sampled frame: place in the film, image, and why it was set aside, if it was."""
        columns = ["frame_id", "shot_id", "frame_no", "time_s", "file", "width_px", "height_px"]
        frames = self.table("extract_frames/frames.parquet", columns)
        decisions = self.table("filter_frames/decisions.parquet", ["frame_id", "reason"])
        return frames.merge(decisions, on="frame_id", how="left", validate="one_to_one")

    @cache  # noqa: B019
    def frames_by_id(self) -> pd.DataFrame:
        """The same frames, indexed by frame_id."""
        return self.frames().set_index("frame_id")

    @cache  # noqa: B019
    def people(self) -> pd.DataFrame:
        """Every instance: frame, box, track, and who it is ("" where nobody was named)."""
        columns = ["instance_id", "frame_id", "track_id", "x0", "y0", "x1", "y1", "area_px"]
        people = self.table("segment_instances/*.parquet", columns)
        if not self.has("identify_characters"):
            return people.assign(character="", who_reason="")
        who = self.table(
            "identify_characters/identities.parquet", ["instance_id", "character", "reason"]
        ).rename(columns={"reason": "who_reason"})
        return people.merge(who, on="instance_id", how="left", validate="one_to_one")
