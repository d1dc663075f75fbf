"""A feature film as the phases would leave it, made in code: tables only, no image.

32,400 frames of 1920 x 1080, six a second of 90 minutes, in 1,350 shots of four seconds and 90
scenes. How many people a shot shows, how large they are and what they do is drawn by chance, from a
seed; vectors and thumbnails are those of the shot and some noise. What is counted on it are
questions, loads, shapes and bytes, which follow from how many images there are of what size, not
from what they show.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.lib.kinds import KINDS, Kind

WIDTH, HEIGHT = 1920, 1080
CAST = ("nella", "bruno", "pip", "")  # "": somebody without a name
IN_CAST = (0.4, 0.25, 0.2, 0.15)
IN_SHOT = (0.2, 0.4, 0.25, 0.15)  # chance of a shot with 0, 1, 2, 3 people
HAS_FACE = 0.7  # of a person: the others are seen from behind, or too small
# Fate of a frame; six a second mostly repeat each other
SET_ASIDE = {"": 0.15, "duplicate": 0.75, "blurred": 0.06, "dissolve": 0.04}
ACTIONS = ("stand", "walk", "run", "sit", "wave", "unknown")
VIEWS = ("front", "three_quarter", "side", "back")
EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "unsure")
TIMES, WEATHERS = ("day", "sunset", "evening", "night"), ("clear", "rain", "snow", "fog")
VECTOR, THUMBNAIL = 8, 64  # numbers of each: fewer than of a film, so that choosing is quick


@dataclass(frozen=True)
class FeatureFilm:
    """How long the film is; `frames` is a multiple of frames a shot."""

    shots: int = 1350
    frames_per_shot: int = 24
    shots_per_scene: int = 15
    frames_per_second: float = 6.0
    seed: int = 7

    @property
    def frames(self) -> int:
        return self.shots * self.frames_per_shot

    @property
    def datasets(self) -> list[str]:
        """One of each kind, and of each character one."""
        own = [f"character-{who}" for who in CAST if who]
        return own + [name for name in KINDS if name != "character"]


def make_tables(film: FeatureFilm) -> dict[str, pd.DataFrame]:
    """Every table that selection and questions read, but for the embeddings; as in lib.tables."""
    rng = np.random.default_rng(film.seed)
    frames = make_frames(film, rng)
    people = make_people(film, frames, rng)
    return {
        "frames": frames,
        "texts": pd.DataFrame(
            {"frame_id": pd.Series(dtype=str), "kind": pd.Series(dtype=str)}
        ).assign(**dict.fromkeys(("x0", "y0", "x1", "y1"), pd.Series(dtype=float))),
        "decisions": frames[["frame_id"]].assign(reason=draw(rng, SET_ASIDE, len(frames))),
        "groups": frames[["frame_id"]].assign(group=frames["frame_id"]),
        "instances": people.drop(columns="who"),
        **describe_people(people, rng),
        **describe_places(film, frames, people, rng),
    }


def draw(rng: np.random.Generator, values: dict | tuple, count: int) -> np.ndarray:
    """So many of the values, by their chances where they have some."""
    chances = list(values.values()) if isinstance(values, dict) else None
    return rng.choice(list(values), count, p=chances)


def make_frames(film: FeatureFilm, rng: np.random.Generator) -> pd.DataFrame:
    shots = np.repeat(np.arange(1, film.shots + 1), film.frames_per_shot)
    numbers = 4 * np.arange(film.frames)  # of 24 a second
    ids = [f"s{shot:04d}_f{number:06d}" for shot, number in zip(shots, numbers, strict=True)]
    frames = pd.DataFrame({"frame_id": ids, "shot_id": shots.astype("int32"), "frame_no": numbers})
    return frames.assign(
        time_s=np.arange(film.frames) / film.frames_per_second,
        file=frames["frame_id"] + ".jpg",
        width_px=WIDTH,
        height_px=HEIGHT,
        sharpness=rng.uniform(0.3, 0.9, film.frames),
        fade=False,
    )


def make_people(film: FeatureFilm, frames: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Who is where: each one stays through their shot, and walks some pixels a frame."""
    counts = rng.choice(len(IN_SHOT), film.shots, p=IN_SHOT)
    shots = np.repeat(np.arange(1, film.shots + 1), counts)
    places = np.concatenate([np.arange(count) for count in counts])
    heights = HEIGHT * rng.uniform(0.15, 1.3, len(shots))  # over 1: a close-up, cut by the frame
    tracks = pd.DataFrame({"shot_id": shots.astype("int32"), "place": places}).assign(
        who=rng.choice(CAST, len(shots), p=IN_CAST),
        high=heights,
        wide=heights * rng.uniform(0.25, 0.6, len(shots)),
        left=rng.uniform(0, 0.8 * WIDTH, len(shots)),
        top=HEIGHT - np.minimum(HEIGHT, heights) * rng.uniform(0.9, 1.0, len(shots)),
        track_id=[f"s{shot:04d}_t{place:02d}" for shot, place in zip(shots, places, strict=True)],
    )
    rows = frames[["frame_id", "shot_id", "frame_no"]].merge(tracks, on="shot_id")
    rows = rows.sort_values(["frame_id", "place"], ignore_index=True)
    x0 = np.clip(rows["left"] + rows["frame_no"] % 96, 0, WIDTH - 16).round()
    return pd.DataFrame(
        {
            "instance_id": rows["frame_id"] + "_i" + rows["place"].astype(str).str.zfill(2),
            "frame_id": rows["frame_id"],
            "shot_id": rows["shot_id"],
            "track_id": rows["track_id"],
            "x0": x0,
            "y0": rows["top"].round(),
            "x1": np.minimum(WIDTH, x0 + rows["wide"]).round(),
            "y1": np.minimum(HEIGHT, rows["top"] + rows["high"]).round(),
            "score": 0.9,
            "who": rows["who"],
        }
    )


def describe_people(people: pd.DataFrame, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Who they are, what they do, and what their faces show."""
    ids, count, named = people[["instance_id"]], len(people), people["who"] != ""
    who = {"character": people["who"], "reason": np.where(named, "", "unknown_character")}
    poses = {"action": draw(rng, ACTIONS, count), "view": draw(rng, VIEWS, count)}
    types = ("close-up", "medium", "full", "wide")
    share = ((people["y1"] - people["y0"]) / HEIGHT).to_numpy()
    poses |= {"shot_type": np.array(types)[3 - np.digitize(share, [0.35, 0.6, 0.85])]}
    joints = rng.normal(0, 1, (count, 17, 2)).astype("float32")
    seen = np.concatenate([joints + 500, np.full((count, 17, 1), 0.9, "float32")], 2)
    faces = people[rng.random(count) < HAS_FACE]
    side = (faces["x1"] - faces["x0"]) / 2
    shown = {"score": 0.9, "sharpness": 0.5, "file": faces["instance_id"] + ".png"}
    shown |= {"x0": faces["x0"], "y0": faces["y0"], "x1": faces["x0"] + side}
    thumbnails = rng.integers(0, 256, (len(faces), THUMBNAIL), np.uint8)
    emotions = {"emotion": draw(rng, EMOTIONS, len(faces)), "intensity": "medium", "score": 0.7}
    emotions |= dict.fromkeys(("eyes", "mouth", "brows", "reason"), "")
    return {
        "identities": ids.assign(**who, score=0.8),
        "poses": ids.assign(**poses, occlusion=0.0, truncated=False, score=0.8).assign(
            joints_seen=[[True] * 17] * count
        ),
        "keypoints": ids.assign(
            keypoints=list(seen.reshape(count, 51)), normalized=list(joints.reshape(count, 34))
        ),
        "faces": faces[["instance_id", "frame_id"]].assign(
            **shown, y1=faces["y0"] + side, thumbnail=list(thumbnails)
        ),
        "expressions": faces[["instance_id"]].assign(**emotions),
    }


def describe_places(
    film: FeatureFilm, frames: pd.DataFrame, people: pd.DataFrame, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """Where frames play, in what light, and which have a clean image: those that show somebody."""
    ids, scenes = frames[["frame_id"]], (frames["shot_id"] - 1) // film.shots_per_scene
    light = {"time_of_day": draw(rng, TIMES, len(ids)), "weather": draw(rng, WEATHERS, len(ids))}
    light |= {"indoor": "outdoor", "light": "bright", "warmth": "neutral", "score": 0.8}
    place = {"location": "place_" + scenes.astype(str).str.zfill(2), "reason": ""}
    cleaned = frames["frame_id"].isin(people["frame_id"])
    return {
        "locations": ids.assign(**place, view_group=frames["frame_id"], is_view_keeper=True),
        "lighting": ids.assign(**light),
        "backgrounds": ids.assign(file=frames["file"].where(cleaned, "")),
    }


def write_film(film: FeatureFilm, tables: dict[str, pd.DataFrame], folder: Path) -> dict[str, str]:
    """Write all tables, and the embeddings; return their paths by name."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: str(folder / f"{name}.parquet") for name in (*tables, "embeddings")}
    for name, table in tables.items():
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), paths[name])
    pq.write_table(make_embeddings(film, tables), paths["embeddings"])
    return paths


def make_embeddings(film: FeatureFilm, tables: dict[str, pd.DataFrame]) -> pa.Table:
    """What every frame, background and person looks like: like its shot, not quite."""
    rng = np.random.default_rng(film.seed + 1)
    frames, people = tables["frames"], tables["instances"]
    shown = {"frame": (frames, "frame_id"), "background": (frames, "frame_id")}
    shown |= {"instance": (people, "instance_id")}
    ids = np.concatenate([table[key].to_numpy() for table, key in shown.values()])
    kinds = np.repeat(list(shown), [len(table) for table, _ in shown.values()])
    shots = np.concatenate([table["shot_id"].to_numpy() for table, _ in shown.values()])
    vectors = rng.standard_normal((film.shots + 1, VECTOR))[shots]
    vectors += 0.5 * rng.standard_normal(vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    base = rng.integers(0, 224, (film.shots + 1, THUMBNAIL), np.uint8)
    pixels = base[shots] + rng.integers(0, 32, (len(shots), THUMBNAIL), np.uint8)
    return pa.table(
        {
            "image_id": ids,
            "kind": kinds,
            "vector": as_lists(vectors.astype(np.float32)),
            "thumbnail": as_lists(pixels),
        }
    )


def as_lists(rows: np.ndarray) -> pa.ListArray:
    """Rows (N, D) as N lists."""
    offsets = np.arange(0, rows.size + 1, rows.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(rows.ravel()))


def list_inputs(kind: Kind, paths: dict[str, str]) -> dict[str, list[str]]:
    """The tables that decide which images of a kind are chosen, as select_images takes them."""
    return {name: [paths[name]] for name in kind.chosen_by}
