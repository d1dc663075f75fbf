"""Chapters on people: who was seen, how they stand, what their faces say."""

from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.lib.images import decode_rle
from workflow_scripts.report.page.blocks import Bar, Bars, Card, Gallery, Note, Section, Table
from workflow_scripts.report.page.film import Film, format_time
from workflow_scripts.report.page.funnel import format_reason
from workflow_scripts.report.page.images import (
    NOBODY,
    crop_around,
    draw_mask,
    draw_skeleton,
    pick_evenly,
)

MASK = ["instance_id", "frame_id", "mask", "height_px", "width_px"]
MIN_CONFIDENCE = 0.3  # below, a keypoint is not drawn


def show_people(film: Film) -> Section:
    """Masks over frames, then a gallery per character; unknown ones apart."""
    title = "Who is seen"
    if not film.results.has("instances"):
        return _not_asked("people", title, film)
    people, frames = film.results.people(), film.results.frames()
    images = int((frames["file"] != "").sum())
    if not len(people):
        words = f"No human-shaped character was found in {images} frames."
        words += " Nothing is invented: what needs people has no images of them."
        return Section("people", title, words)
    tracks, in_frames = people["track_id"].nunique(), people["frame_id"].nunique()
    lead = (
        f"{len(people)} instances in {in_frames} of {images} frames, followed in {tracks} tracks."
    )
    blocks: list = [_show_masks(film)]
    if film.results.has("identities"):
        blocks += [_show_shares(film), *_show_characters(film), *_missing(film)]
        blocks += show_references(film)
    return Section("people", title, lead, blocks)


def _not_asked(id_: str, title: str, film: Film) -> Section:
    return Section(id_, title, f"Not asked for: the film's kinds are {', '.join(film.kinds)}.")


def _show_masks(film: Film) -> Gallery:
    people = film.results.people()
    ids = sorted(people["frame_id"].unique())
    chosen = pick_evenly(ids, film.look.gallery_size)
    masks = film.results.rows(
        "instances",
        MASK,
        set(people["instance_id"][people["frame_id"].isin(chosen)]),
    )
    who = people.set_index("instance_id")["character"]
    frames = film.results.frames_by_id()
    cards = []
    for frame_id, rows in masks.groupby("frame_id"):
        file, width = frames.loc[frame_id, ["file", "width_px"]]
        image = film.frame_image(file)
        for row in rows.itertuples():
            mask = decode_rle(row.mask, row.height_px, row.width_px)
            image = draw_mask(image, mask, film.tints.get(who[row.instance_id], NOBODY))
        names = sorted({who[i] or "unknown" for i in rows["instance_id"]})
        cards.append(Card([film.look.page_image(image, width)], frame_id, ", ".join(names)))
    return Gallery("Masks, colored by character", cards, len(ids))


def _show_shares(film: Film) -> Bars:
    people = film.results.people()
    counts = people["character"].value_counts()
    bars = [
        Bar(
            name or "unknown",
            float(counts.get(name, 0) / len(people)),
            f"{counts.get(name, 0)}",
            tint=film.tints[name],
        )
        for name in [*film.who, ""]
        if name or counts.get("", 0)
    ]
    return Bars("Instances by character", bars)


def _show_characters(film: Film) -> list[Gallery]:
    people = film.results.people()
    galleries = []
    for name in [*film.who, ""]:
        rows = people[people["character"] == name]
        if not len(rows):
            continue
        largest = rows[rows["area_px"] >= rows["area_px"].quantile(0.25)]  # tiny ones show nothing
        cards = [_show_person(film, row) for row in _spread(largest, film.look.gallery_size)]
        galleries.append(Gallery(name or "Unknown, apart", cards, len(rows), "tall"))
    return galleries


def _show_person(film: Film, row: Any) -> Card:
    frame = film.results.frames_by_id().loc[row.frame_id]
    image = film.frame_image(frame["file"], int(frame["width_px"]))
    cut, _, _ = crop_around(image, (row.x0, row.y0, row.x1, row.y1))
    words = format_reason(row.who_reason) if row.who_reason else format_time(frame["time_s"])
    tint = film.tints.get(row.character, NOBODY)
    return Card([film.look.page_image(cut)], row.instance_id, words, tint=tint)


def _missing(film: Film) -> list[Note]:
    """Characters of the config whom nobody found."""
    seen = set(film.results.people()["character"])
    absent = [name for name in film.block.get("characters", {}) if name not in seen]
    roster = film.block.get("roster", f"config/rosters/{film.name}")
    words = "{0} was not found in any frame. More or better reference images may help: {1}/{0}/."
    return [Note(words.format(name, roster), "warn") for name in absent]


def show_references(film: Film) -> list[Table]:
    """The images by which characters are recognized, and what was wrong with some of them."""
    rows = film.results.table("references", ["reference_id", "character", "reason"])
    if not len(rows):
        return []
    lines = [
        [r.reference_id, r.character, format_reason(r.reason) or "used"] for r in rows.itertuples()
    ]
    unused = sum(line[-1] != "used" for line in lines)
    title = f"Reference images: {len(lines) - unused} used, {unused} not"
    return [Table(title, ["image", "character", ""], lines, folded=not unused)]


def show_poses(film: Film) -> Section:
    """Skeletons over people, by action."""
    title = "How they stand and move"
    if not film.results.has("poses"):
        return _not_asked("poses", title, film)
    columns = ["instance_id", "action", "view", "shot_type", "occlusion", "truncated"]
    poses = film.results.table("poses", columns)
    if not len(poses):
        return Section("poses", title, "There is nobody whose pose could be read.")
    people = film.results.people().merge(poses, on="instance_id")
    views = ", ".join(f"{n} {_words(v)}" for v, n in poses["view"].value_counts().items())
    size = max(1, film.look.gallery_size // 2)
    blocks: list = [_share_bars("Actions", poses["action"])]
    for action, rows in _groups(people, "action"):
        chosen = _spread(rows, size)
        points = _keypoints(film, {row.instance_id for row in chosen})
        cards = [_show_pose(film, row, points) for row in chosen]
        blocks.append(Gallery(_words(action), cards, len(rows), "tall"))
    lead = f"{len(poses)} poses of 17 keypoints. Seen from: {views}."
    note = Note(
        "The character's left side is orange, the right side blue; unsure points stay away."
    )
    return Section("poses", title, lead, [*blocks, note])


def _keypoints(film: Film, ids: set[str]) -> dict[str, np.ndarray]:
    rows = film.results.rows("keypoints", ["instance_id", "keypoints"], ids)
    return {
        row.instance_id: np.asarray(row.keypoints, float).reshape(17, 3)
        for row in rows.itertuples()
    }


def _show_pose(film: Film, row: Any, points: dict[str, np.ndarray]) -> Card:
    frame = film.results.frames_by_id().loc[row.frame_id]
    image = film.frame_image(frame["file"], int(frame["width_px"]))
    cut, left, top = crop_around(image, (row.x0, row.y0, row.x1, row.y1))
    if (skeleton := points.get(row.instance_id)) is not None:
        cut = draw_skeleton(cut, skeleton - (left, top, 0), min_confidence=MIN_CONFIDENCE)
    note = f"{row.character or 'unknown'}, {_words(row.view)}, {row.shot_type}"
    tint = film.tints.get(row.character, NOBODY)
    return Card([film.look.page_image(cut)], row.instance_id, note, tint=tint)


def show_faces(film: Film) -> Section:
    """Face crops by emotion."""
    title = "What their faces say"
    if not film.results.has("expressions"):
        return _not_asked("faces", title, film)
    people, faces = (
        film.results.people(),
        film.results.table("faces", ["instance_id", "file"]),
    )
    if not len(faces):
        words = f"No face was found on {len(people)} instances."
        return Section("faces", title, words)
    columns = ["instance_id", "emotion", "intensity", "score", "source", "reason"]
    moods = film.results.table("expressions", columns)
    rows = faces.merge(moods, on="instance_id").merge(
        people[["instance_id", "character"]], on="instance_id"
    )
    blocks: list = [_share_bars("Emotions", rows["emotion"])]
    for emotion, group in _groups(rows, "emotion"):
        size = max(1, film.look.gallery_size // 2)
        cards = [_show_face(film, row) for row in _spread(group, size)]
        blocks.append(Gallery(_words(emotion), cards, len(group), "square"))
    lead = f"{len(faces)} faces on {len(people)} instances; the others look away or are too small."
    return Section("faces", title, lead, blocks)


def _show_face(film: Film, row: Any) -> Card:
    image = film.page_image(film.image_path("faces", row.file))
    said = f"{row.intensity}, {row.score:.2f}" if row.reason == "" else _words(row.reason)
    by = ", by a person" if row.source == "review" else ""
    note = f"{row.character or 'unknown'}, {said}{by}"
    tint = film.tints.get(row.character, NOBODY)
    return Card([image], row.instance_id, note, tint=tint)


def _share_bars(title: str, values: pd.Series) -> Bars:
    counts = values.value_counts()
    bars = [Bar(_words(v), float(n / len(values)), f"{n}") for v, n in counts.items()]
    return Bars(title, bars)


def _groups(rows: pd.DataFrame, column: str) -> list[tuple[str, pd.DataFrame]]:
    """Groups by a column, the largest first, unknown and unsure last."""
    groups = list(rows.groupby(column))
    unsure = ("unknown", "unsure", "")
    return sorted(groups, key=lambda group: (group[0] in unsure, -len(group[1]), group[0]))


def _words(value: str) -> str:
    return value.replace("_", " ") or "unknown"


def _spread(rows: pd.DataFrame, count: int) -> list:
    return pick_evenly(list(rows.itertuples(index=False)), count)
