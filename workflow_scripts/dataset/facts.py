"""What is known about each image: the fact tables of a film joined into one row per image.

An image is a frame, the clean plate of one, an instance, or the face of an instance (lib.kinds).
What nobody measured, or measured as unknown, is "" here.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from workflow_scripts.lib.kinds import Kind
from workflow_scripts.lib.manifest import read_manifest

Paths = str | Path | Sequence[str | Path]

UNKNOWN = ("unknown", "unsure", "none")

# Columns of each table, and the name they bear in the joined row.
COLUMNS = {
    "frames": {
        name: name
        for name in (
            ["frame_id", "shot_id", "frame_no", "time_s", "file", "width_px", "height_px"]
            + ["sharpness", "fade"]
        )
    },
    "locations": {"frame_id": "frame_id", "location": "location", "view_group": "view_group"}
    | {"is_view_keeper": "is_view_keeper", "reason": "plate_reason"},
    "lighting": {"frame_id": "frame_id", "time_of_day": "time_of_day", "weather": "weather"}
    | {"indoor": "indoor", "light": "light", "warmth": "warmth", "score": "lighting_score"},
    "backgrounds": {"frame_id": "frame_id", "file": "plate"},
    "instances": {"instance_id": "instance_id", "frame_id": "frame_id", "track_id": "track_id"}
    | {"x0": "x0", "y0": "y0", "x1": "x1", "y1": "y1", "score": "instance_score"},
    "identities": {"instance_id": "instance_id", "character": "character", "reason": "who_reason"}
    | {"score": "identity_score"},
    "poses": {"instance_id": "instance_id", "action": "action", "view": "view"}
    | {"occlusion": "occlusion", "truncated": "truncated", "shot_type": "shot_type"}
    | {"score": "pose_score", "joints_seen": "joints_seen"},
    "keypoints": {"instance_id": "instance_id", "keypoints": "keypoints"}
    | {"normalized": "normalized"},
    "faces": {"instance_id": "instance_id", "x0": "face_x0", "y0": "face_y0", "x1": "face_x1"}
    | {"y1": "face_y1", "score": "face_score", "sharpness": "face_sharpness"}
    | {"thumbnail": "face_thumbnail"},
    "expressions": {"instance_id": "instance_id", "emotion": "emotion", "intensity": "intensity"}
    | {"score": "emotion_score", "eyes": "eyes", "mouth": "mouth", "brows": "brows"}
    | {"reason": "emotion_reason"},
}
# Facts that may become words, and who measured them.
SOURCES = {
    "location": "cluster_scenes.location",
    "place": "cluster_scenes.location",
    "time_of_day": "classify_lighting.time_of_day",
    "weather": "classify_lighting.weather",
    "indoor": "classify_lighting.indoor",
    "light": "classify_lighting.light",
    "warmth": "classify_lighting.warmth",
    "subject": "identify_characters.character",
    "people": "identify_characters.character",
    "others": "identify_characters.character",
    "action": "classify_poses.action",
    "view": "classify_poses.view",
    "shot_type": "classify_poses.shot_type",
    "posture": "estimate_poses.keypoints",
    "emotion": "classify_expressions.emotion",
    "intensity": "classify_expressions.intensity",
    "eyes": "classify_expressions.eyes",
    "mouth": "classify_expressions.mouth",
    "brows": "classify_expressions.brows",
    "style_words": "config",
    "text": "select_text.kind",
}


def read_facts(kind: Kind, paths: dict[str, Paths]) -> pd.DataFrame:
    """One row per image of the kind, with an `image_id`; `paths` says which tables there are."""
    tables = {name: _read(name, path) for name, path in paths.items() if path}
    rows = tables["frames"]
    for name in ("locations", "lighting", "backgrounds"):
        rows = _add(rows, tables.get(name), "frame_id")
    if kind.shows == "plate":
        rows = rows[rows["frame_id"].isin(tables["backgrounds"]["frame_id"])]
    if not kind.is_of_frames:
        rows = _add_instances(kind, rows, tables)
    rows["image_id"] = rows[kind.key]
    return _blank_unknowns(rows).sort_values("image_id", ignore_index=True)


def _add_instances(kind: Kind, frames: pd.DataFrame, tables: dict) -> pd.DataFrame:
    rows = tables["instances"].merge(frames, on="frame_id", validate="many_to_one")
    for name in ("identities", "poses", "keypoints", "faces", "expressions"):
        rows = _add(rows, tables.get(name), "instance_id")
    if kind.shows == "face":
        rows = rows[rows["instance_id"].isin(tables["faces"]["instance_id"])]
    return rows


def _read(name: str, paths: Paths) -> pd.DataFrame:
    names = COLUMNS[name]
    return read_manifest(paths, list(names)).rename(columns=names)


def _add(rows: pd.DataFrame, table: pd.DataFrame | None, key: str) -> pd.DataFrame:
    if table is None:
        return rows
    return rows.merge(table, on=key, how="left", validate="one_to_one")


def _blank_unknowns(rows: pd.DataFrame) -> pd.DataFrame:
    texts = [name for name in SOURCES if name in rows] + ["character", "who_reason", "view_group"]
    texts += ["emotion_reason", "plate_reason", "plate"]
    rows = rows.copy()
    for name in set(texts) & set(rows):
        rows[name] = rows[name].fillna("").astype(str)
    for name in set(SOURCES) & set(rows):
        rows.loc[rows[name].isin(UNKNOWN), name] = ""
    return rows


def name_place(rows: pd.DataFrame) -> pd.DataFrame:
    """Split `location` into a name that somebody gave and the number of a place without one."""
    rows = rows.copy()
    numbered = rows["location"].str.fullmatch(r"place_\d+")
    rows["place"] = rows["location"].where(numbered, "").str.replace("_", " ")
    rows["location"] = rows["location"].where(~numbered, "").str.replace("_", " ")
    # Weather is what the sky shows; from inside a room nobody sees that it is clear.
    if "indoor" in rows:
        rows.loc[rows["indoor"] == "indoor", "weather"] = ""
    return rows


def list_people(characters: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """Who is in an image, by the characters of its people: names of the known, then how many more.

    `names` maps characters to their words in captions; somebody found twice is named once.
    """
    characters = list(characters)
    strangers = sum(who not in names for who in characters)
    words = sorted(names[who] for who in set(characters) & set(names))
    return words + ([count_people(strangers)] if strangers else [])


def count_people(number: int) -> str:
    """1 is "one person", more than three are "several people"."""
    return {1: "one person", 2: "two people", 3: "three people"}.get(number, "several people")
