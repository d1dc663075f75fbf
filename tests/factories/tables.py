"""A tiny film as the phases would leave it: consistent tables and images, made in a second.

Eight shots of four frames, 384x256. Nella is in every shot, Bruno in the even ones, a stranger in
shot 3. Shot 5 repeats shot 1 (duplicate groups cross the two); the last frame of shot 6 is held,
the first of shot 7 blurred.
"""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.lib.images import encode_rle, write_image
from workflow_scripts.lib.written_files import NO_FILE, sum_bytes

WIDTH, HEIGHT = 384, 256
SHOTS = {  # shot: location, time of day, weather, Nella's action, her emotion
    1: ("plaza", "day", "clear", "stand", "neutral"),
    2: ("plaza", "sunset", "clear", "walk", "happy"),
    3: ("forest", "day", "clear", "run", "happy"),
    4: ("forest", "day", "fog", "walk", "sad"),
    5: ("plaza", "day", "clear", "stand", "neutral"),
    6: ("beach", "evening", "rain", "wave", "happy"),
    7: ("beach", "day", "clear", "wave", "surprised"),
    8: ("place_04", "day", "unknown", "unknown", "unsure"),
}
BOXES = {"nella": (60, 40, 140, 230), "bruno": (230, 60, 300, 240), "": (300, 30, 340, 120)}
# COCO-17 of a figure that stands upright, as shares of its box.
FIGURE = np.array(
    [(0.5, 0.1), (0.55, 0.08), (0.45, 0.08), (0.6, 0.1), (0.4, 0.1), (0.7, 0.25), (0.3, 0.25)]
    + [(0.75, 0.4), (0.25, 0.4), (0.75, 0.55), (0.25, 0.55), (0.62, 0.55), (0.38, 0.55)]
    + [(0.62, 0.75), (0.38, 0.75), (0.62, 0.95), (0.38, 0.95)]
)


def make_film(folder: Path) -> dict[str, str]:
    """Write results of the film into `folder`; return the paths by the names that rules use."""
    frames, instances = make_frames(), make_instances()
    draw_images(folder, frames, instances)
    tables = {
        "frames": frames,
        "decisions": make_decisions(frames),
        "texts": make_texts(frames),
        "groups": make_groups(frames),
        "instances": instances,
        "identities": make_identities(instances),
        "poses": make_poses(instances),
        "keypoints": make_keypoints(instances),
        "faces": make_faces(instances),
        "expressions": make_expressions(instances),
        "locations": make_locations(frames),
        "lighting": make_lighting(frames),
        "backgrounds": make_backgrounds(frames),
        "embeddings": make_embeddings(frames, instances),
    }
    paths = {name: str(folder / f"{name}.parquet") for name in tables}
    for name, table in tables.items():
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), paths[name])
    paths |= {"images": str(folder / "images"), "plates": str(folder / "plates")}
    write_sums(paths)
    return paths


def write_sums(paths: dict[str, str]) -> None:
    """Let the tables say of images and plates what they are now: their sizes and sha256."""
    for table, images in (("frames", "images"), ("backgrounds", "plates")):
        rows = pq.read_table(paths[table]).to_pandas()
        files = (Path(paths[images]) / name if name else None for name in rows["file"])
        sums = [sum_bytes(file.read_bytes()) if file else NO_FILE for file in files]
        rows = rows.assign(**pd.DataFrame(sums, rows.index))
        pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), paths[table])


def make_frames() -> pd.DataFrame:
    """Frames: thirty-two, one of them held."""
    rows = []
    for shot in SHOTS:
        for i in range(4):
            number = (shot - 1) * 24 + i * 6
            frame_id = f"s{shot:04d}_f{number:06d}"
            held = shot == 6 and i == 3
            rows.append((frame_id, shot, number, number / 24, "" if held else f"{frame_id}.jpg"))
    frames = pd.DataFrame(rows, columns=["frame_id", "shot_id", "frame_no", "time_s", "file"])
    return frames.assign(
        shot_id=frames["shot_id"].astype("int32"),
        held_of=np.where(frames["file"] == "", frames["frame_id"].shift(fill_value=""), ""),
        width_px=WIDTH,
        height_px=HEIGHT,
        crop_x=0,
        crop_y=0,
        sharpness=np.linspace(0.3, 0.9, len(frames)),
        fade=False,
        reason=np.where(frames["file"] == "", "held", ""),
    )


def make_decisions(frames: pd.DataFrame) -> pd.DataFrame:
    """Filter decisions: repeats of shot 1 are duplicates, one frame is blurred."""
    reasons = frames["reason"].mask(frames["shot_id"] == 5, "duplicate")
    reasons[(frames["shot_id"] == 7) & (frames["frame_no"] % 24 == 0)] = "blurred"
    return pd.DataFrame({"frame_id": frames["frame_id"], "reason": reasons})


def make_groups(frames: pd.DataFrame) -> pd.DataFrame:
    """Duplicate groups: each frame of shot 5 belongs to its twin in shot 1."""
    twins = frames["frame_id"].str.replace("s0005", "s0001").str.slice(0, 5)
    numbers = frames["frame_no"].where(frames["shot_id"] != 5, frames["frame_no"] - 96)
    group = twins + "_f" + numbers.astype(str).str.zfill(6)
    keeper = group == frames["frame_id"]
    rows = {"frame_id": frames["frame_id"], "group": group, "is_keeper": keeper}
    return pd.DataFrame(rows | {"distance": np.where(keeper, 0, 2).astype("int32")})


def make_texts(frames: pd.DataFrame) -> pd.DataFrame:
    """A subtitle in the lower right corner of shot 6, away from Nella."""
    rows = frames.loc[frames["frame_id"].str.startswith("s0006"), ["frame_id"]]
    return rows.assign(x0=330.0, y0=240.0, x1=380.0, y1=252.0, kind="subtitle")


def make_instances() -> pd.DataFrame:
    """Instances: Nella everywhere, moving a little; Bruno; a stranger."""
    rows = []
    for frame in make_frames().query("file != ''").itertuples():
        shot, step = frame.shot_id, (frame.frame_no % 24) // 6
        cast = ["nella"] + (["bruno"] if shot % 2 == 0 else []) + ([""] if shot == 3 else [])
        for number, who in enumerate(cast):
            x0, y0, x1, y1 = np.add(BOXES[who], (6 * step, 0, 6 * step, 0)).astype(float)
            rows.append(
                {
                    "instance_id": f"{frame.frame_id}_i{number:02d}",
                    "frame_id": frame.frame_id,
                    "shot_id": np.int32(shot),
                    "track_id": f"s{shot:04d}_t{number:02d}",
                    "x0": x0,
                    "y0": y0,
                    "x1": x1,
                    "y1": y1,
                    "score": 0.9,
                    "mask": encode_rle(draw_mask((x0, y0, x1, y1))),
                    "height_px": HEIGHT,
                    "width_px": WIDTH,
                    "area_px": int((x1 - x0) * (y1 - y0) * np.pi / 4),
                    "who": who,
                }
            )
    return pd.DataFrame(rows)


def draw_mask(box: tuple) -> np.ndarray:
    """An ellipse that fills the box: bool (HEIGHT, WIDTH)."""
    x0, y0, x1, y1 = (int(value) for value in box)
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    middle, axes = ((x0 + x1) // 2, (y0 + y1) // 2), ((x1 - x0) // 2, (y1 - y0) // 2)
    return cv2.ellipse(canvas, middle, axes, 0, 0, 360, 1, -1) > 0


def draw_images(folder: Path, frames: pd.DataFrame, instances: pd.DataFrame) -> None:
    """Images: scenery by shot, red Nella, blue Bruno; plates without them."""
    colors = {"nella": (200, 40, 40), "bruno": (40, 40, 200), "": (90, 90, 90)}
    for frame in frames[frames["file"] != ""].itertuples():
        rng = np.random.default_rng(1 if frame.shot_id == 5 else frame.shot_id)
        noise = rng.integers(60, 200, (HEIGHT // 16, WIDTH // 16, 3), np.uint8)
        image = cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
        write_image(folder / "plates" / frame.file, image)
        for one in instances[instances["frame_id"] == frame.frame_id].itertuples():
            image[draw_mask((one.x0, one.y0, one.x1, one.y1))] = colors[one.who]
        write_image(folder / "images" / frame.file, image)


def make_identities(instances: pd.DataFrame) -> pd.DataFrame:
    """Identities: as drawn; the stranger has no name."""
    known = instances["who"] != ""
    return pd.DataFrame(
        {
            "instance_id": instances["instance_id"],
            "track_id": instances["track_id"],
            "cluster": 0,
            "character": instances["who"],
            "score": np.where(known, 0.8, 0.1),
            "source": np.where(known, "reference", "none"),
            "reason": np.where(known, "", "unknown_character"),
        }
    )


def make_poses(instances: pd.DataFrame) -> pd.DataFrame:
    """Poses: Nella acts by shot, Bruno stands, the stranger is seen too badly."""
    shots = instances["shot_id"].map(SHOTS)
    nella = instances["who"] == "nella"
    return pd.DataFrame(
        {
            "instance_id": instances["instance_id"],
            "action": np.where(nella, shots.str[3], "stand"),
            "view": np.where(nella, "three_quarter", "side"),
            "occlusion": np.where(instances["who"] == "", 0.7, 0.0),
            "truncated": False,
            "shot_type": np.where(instances["who"] == "", "wide", "full"),
            "score": 0.8,
            "joints_seen": [[True] * 17] * len(instances),
        }
    )


def make_keypoints(instances: pd.DataFrame) -> pd.DataFrame:
    """Key points: upright figures; Nella raises a hand where she waves."""
    rows = []
    for one in instances.itertuples():
        figure = FIGURE.copy()
        if one.who == "nella" and SHOTS[one.shot_id][3] == "wave":
            figure[9] = (0.9, 0.02)
        figure[9, 0] += 0.15 * ((one.frame_id[-1]) in "26")  # so that poses differ a little
        x, y = one.x0 + figure[:, 0] * (one.x1 - one.x0), one.y0 + figure[:, 1] * (one.y1 - one.y0)
        points = np.column_stack([x, y, np.full(17, 0.9)]).astype("float32").ravel().tolist()
        rows.append((one.instance_id, one.frame_id, points, [0.0] * 34))
    return pd.DataFrame(rows, columns=["instance_id", "frame_id", "keypoints", "normalized"])


def make_faces(instances: pd.DataFrame) -> pd.DataFrame:
    """Faces: of those who have a name, a fifth of the body high."""
    rows = instances[instances["who"] != ""]
    return pd.DataFrame(
        {
            "instance_id": rows["instance_id"],
            "frame_id": rows["frame_id"],
            "x0": rows["x0"] + 15,
            "y0": rows["y0"],
            "x1": rows["x1"] - 15,
            "y1": rows["y0"] + 45,
            "score": 0.9,
            "sharpness": 0.5,
            "file": rows["instance_id"] + ".png",
            "thumbnail": [draw_thumbnail(name) for name in rows["instance_id"]],
        }
    )


def make_expressions(instances: pd.DataFrame) -> pd.DataFrame:
    """Expressions: Nella's by shot, Bruno is neutral."""
    rows = instances[instances["who"] != ""]
    shots = rows["shot_id"].map(SHOTS)
    emotion = pd.Series(np.where(rows["who"] == "nella", shots.str[4], "neutral"), rows.index)
    return pd.DataFrame(
        {
            "instance_id": rows["instance_id"],
            "emotion": emotion,
            "intensity": np.where(emotion == "happy", "high", "medium"),
            "score": 0.7,
            "eyes": "open",
            "mouth": np.where(emotion == "happy", "smiling", ""),
            "brows": "",
            "source": "model",
            "reason": np.where(emotion == "unsure", "unsure", ""),
        }
    )


def make_locations(frames: pd.DataFrame) -> pd.DataFrame:
    """Locations: by shot; frames of a shot look alike, its first one is kept."""
    rows = frames[frames["file"] != ""]
    first = rows.groupby("shot_id")["frame_id"].transform("first")
    return pd.DataFrame(
        {
            "frame_id": rows["frame_id"],
            "location": rows["shot_id"].map(SHOTS).str[0],
            "location_score": 0.9,
            "view_group": np.where(rows["frame_no"] % 24 < 12, first, rows["frame_id"]),
            "is_view_keeper": (rows["frame_id"] == first) | (rows["frame_no"] % 24 >= 12),
            "reason": np.where(rows["shot_id"] == 8, "character_left", ""),
        }
    )


def make_lighting(frames: pd.DataFrame) -> pd.DataFrame:
    """Lighting: by shot, all out of doors."""
    rows = frames[frames["file"] != ""]
    shots = rows["shot_id"].map(SHOTS)
    return pd.DataFrame(
        {
            "frame_id": rows["frame_id"],
            "time_of_day": shots.str[1],
            "weather": shots.str[2],
            "indoor": "outdoor",
            "light": "bright",
            "warmth": "neutral",
            "score": 0.8,
        }
    )


def make_backgrounds(frames: pd.DataFrame) -> pd.DataFrame:
    """Clean plates of every image; in shot 8 a character is left."""
    rows = frames[frames["file"] != ""]
    return pd.DataFrame(
        {
            "frame_id": rows["frame_id"],
            "file": rows["file"],
            "covered": 0.2,
            "revealed": 0.9,
            "filled": 0.1,
            "leftover": 0.0,
            "missed": 0.0,
            "painted": [encode_rle(draw_mask((64, 64, 96, 96)))] * len(rows),
        }
    )


def make_embeddings(frames: pd.DataFrame, instances: pd.DataFrame) -> pd.DataFrame:
    """Embeddings: every image looks unlike all others."""
    shown = frames.loc[frames["file"] != "", "frame_id"]
    parts = {"frame": shown, "background": shown, "instance": instances["instance_id"]}
    rows = [(name, kind) for kind, names in parts.items() for name in names]
    table = pd.DataFrame(rows, columns=["image_id", "kind"])
    thumbnails = [draw_thumbnail(name) for name in table["image_id"]]
    vectors = [(values[:8] + 1.0) / np.linalg.norm(values[:8] + 1.0) for values in thumbnails]
    return table.assign(vector=vectors, thumbnail=thumbnails)


def draw_thumbnail(image_id: str) -> np.ndarray:
    """Noise (1024,) uint8 that is an image's own."""
    return np.random.default_rng(list(image_id.encode())).integers(0, 256, 1024, np.uint8)
