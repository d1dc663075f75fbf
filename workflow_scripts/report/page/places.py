"""Chapters on places: backgrounds without people, locations, light."""

from typing import Any

import pandas as pd

from workflow_scripts.lib.images import Rle, decode_rle
from workflow_scripts.report.page.blocks import Bar, Bars, Card, Figures, Gallery, Section, Table
from workflow_scripts.report.page.film import Film, show_frame
from workflow_scripts.report.page.funnel import format_reason
from workflow_scripts.report.page.images import draw_edge, pick_evenly

LIGHT = ["frame_id", "time_of_day", "weather", "indoor", "light", "warmth"]
PLATES = ["frame_id", "file", "covered", "revealed", "filled"]
EDGE = "#f2c14e"


def show_backgrounds(film: Film) -> Section:
    """Clean backgrounds beside what was filmed, and why some could not be cleaned."""
    title = "Backgrounds without people"
    if not film.results.has("backgrounds"):
        kinds = ", ".join(film.kinds)
        return Section("backgrounds", title, f"Not asked for: the film's kinds are {kinds}.")
    rows = _read_plates(film)
    good = rows[rows["reason"] == ""]
    cleaned = good[good["plate"] != ""]
    lead = (
        f"{len(good) - len(cleaned)} of {len(rows)} frames show nobody and are good as they are; "
        f"{len(cleaned)} were cleaned: real pixels from the shot's other frames first, then paint."
    )
    blocks: list = []
    if len(cleaned):
        blocks += [_show_shares(cleaned), _show_pairs(film, cleaned)]
    counts = rows.loc[rows["reason"] != "", "reason"].value_counts()
    said = [[format_reason(reason), int(n)] for reason, n in counts.items()]
    if said:
        blocks.append(Table("No good as backgrounds", ["why", "frames"], said))
    return Section("backgrounds", title, lead, blocks)


def _read_plates(film: Film) -> pd.DataFrame:
    """Clean images of frames (plate, "" where nobody is), and why some are no good."""
    plates = film.results.table("backgrounds", PLATES)
    judged = film.results.table("locations", ["frame_id", "reason"])
    frames = film.results.frames()[["frame_id", "file"]].rename(columns={"file": "frame"})
    plates = plates.rename(columns={"file": "plate"})
    return plates.merge(frames, on="frame_id").merge(judged, on="frame_id")


def _show_pairs(film: Film, cleaned: pd.DataFrame) -> Gallery:
    ordered = list(cleaned.sort_values(["covered", "frame_id"]).itertuples(index=False))
    chosen = pick_evenly(ordered, max(1, film.look.gallery_size // 2))
    holes = film.results.rows(
        "backgrounds", ["frame_id", "hole"], {row.frame_id for row in chosen}
    ).set_index("frame_id")["hole"]
    cards = [_show_pair(film, row, holes[row.frame_id]) for row in chosen]
    note = "Left as filmed, with the edge of what was taken out; right without it."
    return Gallery("Before and after", cards, len(cleaned), "pair", note)


def _show_shares(cleaned: pd.DataFrame) -> Figures:
    means = cleaned[["covered", "revealed", "filled"]].mean()
    return Figures(
        [
            (f"{means['covered']:.0%}", "of a cleaned frame was hidden by people"),
            (f"{means['revealed']:.0%}", "of that shown by other frames: real pixels"),
            (f"{means['filled']:.0%}", "of that never seen: painted"),
        ]
    )


def _show_pair(film: Film, row: Any, hole: Rle) -> Card:
    size = film.results.frames_by_id().loc[row.frame_id, ["height_px", "width_px"]]
    height, width = (int(side) for side in size)
    edged = draw_edge(film.frame_image(row.frame), decode_rle(hole, height, width), EDGE)
    plate = film.page_image(film.image_path("backgrounds", row.plate))
    note = f"{row.covered:.0%} covered, {row.filled:.0%} of it painted"
    return Card([film.look.page_image(edged, width), plate], row.frame_id, note)


def show_locations(film: Film) -> Section:
    """One gallery per location."""
    title = "Where it happens"
    if not film.results.has("locations"):
        return Section("locations", title, f"Not asked for: the kinds are {', '.join(film.kinds)}.")
    columns = ["frame_id", "location", "is_view_keeper"]
    places = film.results.table("locations", columns)
    rows = _join_frames(film, places[places["location"] != ""])  # cards are no places
    views = int(places["is_view_keeper"].sum())
    named = rows["location"].nunique()
    lead = f"{named} location{'s' * (named != 1)}, {views} views that differ from each other. "
    lead += "Places are recognized with the people taken out."
    size = max(1, film.look.gallery_size // 2)
    blocks: list = [_share_bars("Frames by location", rows["location"])]
    blocks += _galleries(film, rows, "location", size)
    return Section("locations", title, lead, blocks)


def show_lighting(film: Film) -> Section:
    """Frames by time of day, with weather beside."""
    title = "In what light"
    if not film.results.has("lighting"):
        return Section("lighting", title, f"Not asked for: the kinds are {', '.join(film.kinds)}.")
    rows = _join_frames(film, film.results.table("lighting", LIGHT))
    counts = rows["weather"].value_counts()
    weather = ", ".join(f"{_words(name)} ({n})" for name, n in counts.items())
    inside = int((rows["indoor"] == "indoor").sum())
    lead = f"Weather: {weather}. {inside} of {len(rows)} frames are indoors."
    size = max(1, film.look.gallery_size // 2)
    notes = {
        row.frame_id: ", ".join(filter(None, (_words(row.weather), row.indoor, row.light)))
        for row in rows.itertuples()
    }
    blocks: list = [_share_bars("Frames by time of day", rows["time_of_day"])]
    blocks += _galleries(film, rows, "time_of_day", size, notes)
    return Section("lighting", title, lead, blocks)


def _join_frames(film: Film, rows: pd.DataFrame) -> pd.DataFrame:
    columns = ["frame_id", "file", "time_s", "reason"]
    return rows.merge(film.results.frames()[columns], on="frame_id")


def _galleries(
    film: Film, rows: pd.DataFrame, column: str, size: int, notes: dict[str, str] | None = None
) -> list[Gallery]:
    """A contact sheet per value of a column, the most frequent first, unknown last."""
    groups = sorted(
        rows.groupby(column), key=lambda group: (group[0] in ("unknown", ""), -len(group[1]))
    )
    galleries = []
    for value, group in groups:
        good = group[group["reason"] == ""]  # fades and blurs show little of a place
        chosen = pick_evenly(list((good if len(good) else group).itertuples(index=False)), size)
        cards = [show_frame(film, row, (notes or {}).get(row.frame_id, "")) for row in chosen]
        galleries.append(Gallery(_words(value), cards, len(group)))
    return galleries


def _share_bars(title: str, values: pd.Series) -> Bars:
    counts = values.value_counts()
    return Bars(title, [Bar(_words(v), float(n / len(values)), f"{n}") for v, n in counts.items()])


def _words(value: str) -> str:
    return value.replace("_", " ") or "unknown"
