"""Chapters on the film as a whole: what it is, how many frames are left, how it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.renewal import say_damaged
from workflow_scripts.report.kept_files import IMAGES_OF
from workflow_scripts.report.page.blocks import (
    Bars,
    Card,
    Chart,
    Figures,
    Gallery,
    Note,
    PageImage,
    Section,
    Table,
)
from workflow_scripts.report.page.charts import list_bars
from workflow_scripts.report.page.funnel import (
    Funnel,
    count_dataset,
    count_frames,
    format_reason,
    list_reasons,
)
from workflow_scripts.report.page.images import Look, colors, pick_evenly, read_small
from workflow_scripts.report.page.results import Results
from workflow_scripts.report.page.timeline import draw_timeline, find_lanes

STRIP_PX = 320
FATES = {"train": "in it, to train", "validation": "in it, held out"}


@dataclass(frozen=True)
class Film:
    """One film as the report sees it."""

    name: str
    block: Mapping[str, Any]  # its block of the config
    datasets: Sequence[str]
    results: Results
    look: Look

    @property
    def kinds(self) -> Sequence[str]:
        return self.block["kinds"]

    @property
    def who(self) -> list[str]:
        """Names of the characters: those of the config, then others that a person named."""
        named = [name for name in self.results.people()["character"].unique() if name]
        asked = list(self.block.get("characters", {}))
        return asked + sorted(set(named) - set(asked))

    @property
    def tints(self) -> dict[str, str]:
        return colors(self.who)

    def page_image(self, path: Path, width: int = 0) -> PageImage:
        """An image file of the film, at most `width` (default: as wide as the page allows)."""
        return self.look.read(path, self.results.folder, width)

    def frame_image(self, file: str, width: int = 0) -> np.ndarray:
        """A frame's pixels, at most `width` (default: as wide as the page allows)."""
        return read_small(self.frame_path(file), width or self.look.image_px)

    def frame_path(self, file: str) -> Path:
        """Where a frame's image lies."""
        return self.image_path("frames", file)

    def image_path(self, table: str, file: str) -> Path:
        """Where an image lies that a table names; CineloraError where it is gone."""
        images = IMAGES_OF[table]
        if path := self.results.image(images, file):
            return path
        shards = zip(self.results.paths(table), self.results.paths(images), strict=True)
        named = [folder for path, folder in shards if file in set(_read_files(path))]
        raise CineloraError(say_damaged(named[0] / file, "it is gone"))


def _read_files(table: Path) -> pd.Series:
    return read_manifest(table, ["file"])["file"]


def show_frame(film: Film, row: Any, note: str = "", tint: str = "") -> Card:
    """A frame with its time in the film; `row` has frame_id, time_s and file."""
    image = film.page_image(film.frame_path(row.file))
    words = ", ".join(filter(None, (format_time(row.time_s), note)))
    return Card([image], row.frame_id, words, tint=tint)


def format_time(seconds: float) -> str:
    """12.3 s, or 4:05 from the second minute on."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def make_strip(film: Film, count: int = 8) -> list[PageImage]:
    """Stills for the head of the page, evenly over the film."""
    frames = film.results.frames()
    shown = frames[frames["file"] != ""]
    kept = shown[shown["reason"] == ""] if (shown["reason"] == "").any() else shown
    chosen = pick_evenly(_rows(kept), count)
    return [film.page_image(film.frame_path(row.file), STRIP_PX) for row in chosen]


def show_figures(film: Film) -> Figures:
    """The film in some large numbers."""
    frames, people = film.results.frames(), film.results.people()
    shots = film.results.table("shots", ["shot_id", "end_s"])
    figures = [
        (format_time(float(shots["end_s"].max())) if len(shots) else "0 s", "of film"),
        (f"{len(shots)}", "shots"),
        (f"{len(frames)}", "frames sampled"),
        (f"{int((frames['reason'] == '').sum())}", "frames kept"),
    ]
    if film.results.has("instances"):
        figures.append((f"{len(people)}", "instances of people in them"))
    words = "datasets, one adapter each" if len(film.datasets) > 1 else "dataset and adapter"
    return Figures([*figures, (f"{len(film.datasets)}", words)])


def show_funnel(film: Film) -> tuple[Section, Funnel]:
    """Sampled frames to kept frames, then kept frames to every dataset; all sums checked."""
    frames = count_frames(film.results)
    datasets = [count_dataset(film.results, name, _kind(name)) for name in film.datasets]
    blocks = [
        Bars("Which frames are good enough to learn from", list_bars(frames), broad=True),
        Note(f"{frames.sum_line}: it adds up.", "good"),
        _tabulate(datasets),
        Note("Every column adds up to what was offered to that dataset.", "good"),
    ]
    lead = (
        f"{frames.read} frames were sampled; {frames.left} are sharp, lit, whole and unlike the "
        "others. Nothing vanishes: what is set aside keeps its row and its reason."
    )
    return Section("funnel", "From film to datasets", lead, blocks), frames


def _kind(dataset: str) -> str:
    return dataset.partition("-")[0]


def _tabulate(datasets: Sequence[Funnel]) -> Table:
    rows: list[list] = []
    for split, words in FATES.items():
        rows.append([words, *(funnel.kept[split] for funnel in datasets)])
    for reason in list_reasons(list(datasets)):
        rows.append([format_reason(reason), *(funnel.aside.get(reason, "") for funnel in datasets)])
    foot = ["all that the film offers", *(funnel.read for funnel in datasets)]
    head = ["", *(funnel.name for funnel in datasets)]
    note = (
        "Backgrounds, style and lighting are chosen from all sampled frames, the others from all "
    )
    note += "instances: one character in one frame."
    return Table("What became of every image, by dataset", head, rows, foot, note)


def show_timeline(film: Film) -> Section:
    """Shots, kept frames, places, light and characters along the film."""
    results, frames = film.results, film.results.frames()
    shots = results.table("shots", ["shot_id", "start_s", "end_s", "transition"])
    locations = results.table("locations", ["frame_id", "location"])
    lighting = results.table("lighting", ["frame_id", "time_of_day"])
    lanes = find_lanes(frames, results.people(), locations, lighting, film.who)
    changes = shots["transition"].value_counts().to_dict()
    changes.pop("start", None)
    said = ", ".join(f"{n} {name}{'s' if n > 1 else ''}" for name, n in changes.items())
    drawing = draw_timeline(shots, frames, lanes)
    note = "A small triangle marks a fade or a dissolve. Hover over a bar for its name and times."
    lead = f"{len(shots)} shot{'s' * (len(shots) != 1)}, {said or 'without a single cut'}."
    blocks = [Chart("Shots and what was recognized in them", drawing, note, wide=True)]
    return Section("timeline", "The film in time", lead, blocks)


def show_frames(film: Film) -> Section:
    """Contact sheets of kept frames, and of those set aside by reason."""
    frames = film.results.frames()
    size = film.look.gallery_size
    kept = frames[frames["reason"] == ""]
    cards = [show_frame(film, row) for row in pick_evenly(_rows(kept), size)]
    blocks: list = [Gallery("Kept", cards, len(kept))]
    for reason, rows in _by_reason(frames[frames["reason"] != ""]):
        shown = pick_evenly(_rows(rows[rows["file"] != ""]), max(1, size // 3))
        note = "" if shown else "These repeat an image that was already written: none of their own."
        cards = [show_frame(film, row) for row in shown]
        title = f"Set aside: {format_reason(reason)}"
        blocks.append(Gallery(title, cards, len(rows), note=note))
    lead = f"{len(kept)} of {len(frames)} frames go on; the rest lie below, by reason."
    return Section("frames", "Frames, kept and set aside", lead, blocks)


def _by_reason(frames: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Groups of frames, the largest first."""
    groups = list(frames.groupby("reason"))
    return sorted(groups, key=lambda group: (-len(group[1]), group[0]))


def _rows(frames: pd.DataFrame) -> list:
    return list(frames.itertuples(index=False))
