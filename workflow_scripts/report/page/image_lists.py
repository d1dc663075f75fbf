"""Every image that the film offers to a dataset, in a table: what became of it, and why."""

import pandas as pd

from workflow_scripts.report.page.blocks import ImageFile, Table
from workflow_scripts.report.page.film import Film, format_time
from workflow_scripts.report.page.funnel import format_reason, trace_images
from workflow_scripts.report.page.images import pick_evenly

SPLITS = {"train": "train", "validation": "held out"}
HEAD = ["image", "time", "who", "what became of it", "category", "caption"]


def list_images(film: Film, name: str, kind: str, packed: pd.DataFrame) -> Table:
    """One row an image; `packed` are the rows of dataset.parquet."""
    fates = trace_images(film.results, name, kind)
    chosen = pick_evenly(range(len(fates)), film.look.max_rows)
    rows = (
        fates.iloc[chosen]
        .merge(packed[["image_id", "file", "category", "caption"]], "left")
        .fillna("")
    )
    frame_ids = _find_frames(film, rows["image_id"])
    times = frame_ids.map(film.results.frames_by_id()["time_s"]).map(format_time)
    images = map(ImageFile, rows["image_id"], _find_files(film, name, rows["file"], frame_ids))
    fate = rows["split"].map(SPLITS).where(rows["reason"] == "", rows["reason"].map(format_reason))
    who = _name_people(film, rows["image_id"], frame_ids)
    category = rows["category"].str.replace("_", " ")
    cells = zip(images, times, who, fate, category, rows["caption"], strict=True)
    note = ""
    if len(rows) < len(fates):
        note = f"{len(rows)} of {len(fates)}, spread evenly over the film; all stand in "
        note += f"results/{film.name}/datasets/{name}/dataset.parquet."
    title = f"Every image that the film offers, and what became of it: {len(fates)}"
    return Table(title, HEAD, list(cells), note=note, folded=True)


def _find_frames(film: Film, image_ids: pd.Series) -> pd.Series:
    """The frame of each image: itself, or that of the instance."""
    people = film.results.people().set_index("instance_id")["frame_id"]
    frame_ids = image_ids.map(people.to_dict())
    return frame_ids.where(frame_ids.notna(), image_ids)


def _find_files(film: Film, name: str, packed: pd.Series, frame_ids: pd.Series) -> pd.Series:
    """Below the film's folder: the packed image, else the frame's; "" where none was written."""
    results = film.results
    folders = results.path("dataset", name), *results.paths("images")
    packed_in, frames_in = (path.relative_to(results.folder).as_posix() for path in folders)
    frames = frame_ids.map(results.frames_by_id()["file"])
    frames = (frames_in + "/" + frames).where(frames != "", "")
    return (packed_in + "/" + packed).where(packed != "", frames)


def _name_people(film: Film, image_ids: pd.Series, frame_ids: pd.Series) -> list[str]:
    """Whom each image shows: the instance's character, or all of the frame's."""
    people = film.results.people()
    people = people[people["frame_id"].isin(frame_ids)]
    people = people.assign(who=people["character"].where(people["character"] != "", "unknown"))
    of_frame = people.groupby("frame_id")["who"].agg(lambda names: ", ".join(sorted(set(names))))
    known = people.set_index("instance_id")["who"].to_dict() | of_frame.to_dict()
    return [known.get(image_id, "") for image_id in image_ids]
