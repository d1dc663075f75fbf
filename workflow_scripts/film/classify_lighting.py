"""Name the time of day, the weather and indoors or outdoors, from measured light.

Reads images (people masked out), places and cards; leaves one row per image. Each image is
measured: how bright its dark, middle and bright tones are; how warm its light is (red against
blue, in stops, of all and of the brightest pixels); how gray the air is (the darkest channel, the
saturation); sky at the top, green; and specks that are in one image and not in its neighbors.
Rules with thresholds from the config turn measures into words, shots agree by vote, and a place is
indoors or outdoors as a whole: one shot that shows sky speaks for the close-ups too. Where no rule
speaks the word is "unknown". The thresholds were set on small rendered films: on another film look
at the groups in the report before you trust them.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.lib.images import decode_rle, read_rgb
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase

LIGHTING = pa.schema(
    [
        ("frame_id", pa.string()),
        ("time_of_day", pa.string()),  # day | sunset | evening | night | unknown
        ("weather", pa.string()),  # clear | overcast | fog | rain | snow | unknown
        ("indoor", pa.string()),  # indoor | outdoor | unknown
        ("light", pa.string()),  # bright | soft | dim | dark
        ("warmth", pa.string()),  # warm | neutral | cool
        ("score", pa.float32()),  # share of the shot's images that agree on the time of day
    ]
)
FRAME_COLUMNS = ["frame_id", "shot_id", "file", "fade"]
INSTANCE_COLUMNS = ["frame_id", "mask", "height_px", "width_px"]
SMALL = (192, 108)  # pixels in which tones and colors are measured
SPECK_PX = 640  # longer side of images in which specks are looked for
MIN_SKY_LIGHT = 0.4  # darker smooth parts may be anything
MIN_SKY_PART = 0.01  # share of the image: smaller parts are windows and walls
TRIPLES = 6  # images of a shot that are compared with their neighbors
LUMA = np.float32([0.2126, 0.7152, 0.0722])
MEASURES = ["dark", "middle", "bright", "warm", "dark_channel", "color", "green", "sky"]


def measure_image(image: np.ndarray, people: np.ndarray) -> dict[str, float]:
    """Measures of the background of an image (H, W, 3) with its people (H, W) bool left out."""
    small = cv2.resize(image, SMALL, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    covered = cv2.resize(people.astype(np.float32), SMALL, interpolation=cv2.INTER_AREA)
    free = cv2.erode((covered < 0.01).astype(np.uint8), np.ones((5, 5))) > 0
    if free.mean() < 0.02:
        free = np.ones_like(free)
    linear = small**2.2
    luma = (linear @ LUMA) ** (1 / 2.2)
    dark, middle, bright = np.percentile(luma[free], [5, 50, 95])
    brightest = free & (luma >= np.percentile(luma[free], 80))
    hue, saturation, _ = cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2HSV))
    green = (hue > 70) & (hue < 170) & (saturation > 0.25)
    return {
        "dark": float(dark),
        "middle": float(middle),
        "bright": float(bright),
        "warm": (warm_stops(linear[free]) + warm_stops(linear[brightest])) / 2,
        "dark_channel": float(np.percentile(cv2.erode(small.min(2), np.ones((7, 7)))[free], 10)),
        "color": float(saturation[free].mean()),
        "green": float(green[free].mean()),
        "sky": find_sky(small, luma, free),
    }


def warm_stops(linear: np.ndarray) -> float:
    """How much redder than blue linear pixels (N, 3) are, in stops; 0 is neutral."""
    red, _, blue = linear.mean(0) + 1e-3
    return float(np.log2(red / blue))


def find_sky(small: np.ndarray, luma: np.ndarray, free: np.ndarray) -> float:
    """Share of the image in large smooth parts, blue or gray and light, that meet its top."""
    steps = np.hypot(cv2.Sobel(luma, -1, 1, 0), cv2.Sobel(luma, -1, 0, 1))
    smooth = cv2.blur(steps, (5, 5)) < 0.06
    cold = small[..., 2] >= small[..., 0]
    candidates = smooth & cold & (luma >= MIN_SKY_LIGHT) & free
    _, parts, boxes, _ = cv2.connectedComponentsWithStats(candidates.astype(np.uint8))
    sizes = boxes[:, cv2.CC_STAT_AREA] / parts.size
    tops = np.setdiff1d(np.unique(parts[:2]), [0])
    return float(sum(sizes[part] for part in tops if sizes[part] >= MIN_SKY_PART))


def measure_specks(
    before: np.ndarray, now: np.ndarray, after: np.ndarray, free: np.ndarray
) -> tuple[float, float]:
    """Specks brighter than in both neighbors: (per 10,000 pixels, height / width); gray (H, W).

    What moves makes as many dark specks, which are taken off; nan where the camera moves.
    """
    change = np.abs(now.astype(np.int16) - before)[free]
    if not change.size or np.percentile(change, 80) > 4:
        return np.nan, np.nan
    bright = find_specks(now.astype(np.int16) - np.maximum(before, after), now, free)
    dark = find_specks(np.minimum(before, after).astype(np.int16) - now, 255 - now, free)
    shape = bright[:, cv2.CC_STAT_HEIGHT] / bright[:, cv2.CC_STAT_WIDTH]
    count = max(0, len(bright) - len(dark))
    return 1e4 * count / free.sum(), float(np.median(shape)) if len(bright) else 1.0


def find_specks(new: np.ndarray, gray: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Statistics (N, 5) of small spots that stick out in time (`new`) and in the image."""
    fine = cv2.morphologyEx(gray, cv2.MORPH_TOPHAT, np.ones((9, 9))) > 8
    spots = ((new > 8) & fine & free).astype(np.uint8)
    boxes = cv2.connectedComponentsWithStats(spots)[2][1:]
    return boxes[boxes[:, cv2.CC_STAT_AREA] >= 3]


def name_falling(specks: float, shape: float, options: dict) -> str:
    """Rain, snow or "": long specks fall fast, round ones slowly."""
    if not specks >= options["min_specks"]:  # also nan
        return ""
    return "rain" if shape >= options["rain_shape"] else "snow"


def weigh_place(shots: pd.DataFrame, options: dict) -> str:
    """Indoors or outdoors, by all shots of one place (rows with MEASURES and falling).

    Outdoors speak sky, green, what falls, the low sun and moonlight; indoors a warm, lamp-lit look.
    """
    sunny = shots["warm"] >= options["sunset_warm"]
    outside = (
        (shots["sky"] >= options["min_sky"]).astype(float)
        + (shots["green"] >= options["min_green"])
        + (shots["falling"] != "")
        + sunny
        + is_cold(shots, options)
    )
    lamps = (shots["warm"] >= options["lamp_warm"]) & ~sunny
    inside = lamps & (shots["green"] < options["min_green"])
    balance = outside.sum() - inside.sum()
    return "unknown" if balance == 0 else "outdoor" if balance > 0 else "indoor"


def is_cold(rows: pd.DataFrame | pd.Series, options: dict) -> pd.Series | bool:
    """Whether the light is blue and weak: dusk or moonlight. A blue sky by day is bright."""
    return (rows["warm"] <= options["cold_warm"]) & (rows["bright"] <= options["dusk_bright"])


def name_time(row: pd.Series, indoor: str, options: dict) -> str:
    """Time of day by the light's color and strength."""
    if row["bright"] <= options["night_bright"]:
        return "night"
    if indoor == "indoor":
        return "evening" if row["warm"] >= options["lamp_warm"] else "day"
    if row["warm"] >= options["sunset_warm"]:
        return "sunset"
    if is_cold(row, options):
        return "night" if row["bright"] <= options["moon_bright"] else "evening"
    return "day" if indoor == "outdoor" or row["bright"] >= 0.5 else "unknown"


def is_fog(rows: pd.DataFrame, options: dict) -> pd.Series:
    """Whether nothing is dark, nothing colorful, and all tones lie close."""
    flat = rows["bright"] - rows["dark"] <= options["fog_contrast"]
    veiled = rows["dark_channel"] >= options["fog_dark_channel"]
    return flat & veiled & (rows["color"] <= options["fog_color"])


def name_weather(row: pd.Series, indoor: str, time: str, best_bright: float, options: dict) -> str:
    """Weather of an image; `best_bright` is that of the place's brightest shot by day."""
    if indoor != "outdoor":
        return "unknown"
    if row["falling"]:
        return row["falling"]
    if row["fog"]:
        return "fog"
    dull = row["bright"] < options["overcast_bright"] * best_bright
    return "overcast" if time == "day" and dull else "clear"


def name_light(row: pd.Series, options: dict) -> str:
    for name in ("dark", "dim", "soft"):
        if row["middle"] < options["light_levels"][name]:
            return name
    return "bright"


def name_warmth(row: pd.Series, options: dict) -> str:
    if row["warm"] >= options["lamp_warm"]:
        return "warm"
    return "cool" if row["warm"] <= options["cold_warm"] else "neutral"


def vote(words: pd.Series) -> tuple[str, float]:
    """The commonest word and its share; "unknown" only where nothing else was said."""
    said = words[words != "unknown"]
    if not len(said):
        return "unknown", 0.0
    counts = said.value_counts(sort=False).sort_values(ascending=False, kind="stable")
    return str(counts.index[0]), float(counts.iloc[0] / len(words))


def describe_shot(rows: pd.DataFrame, indoor: str, best_bright: float, options: dict) -> dict:
    """Words for one shot from the measures of its images; fades have no vote."""
    voters = rows[~rows["fade"]] if (~rows["fade"]).any() else rows
    times = voters.apply(name_time, axis=1, args=(indoor, options))
    time, score = vote(times)
    weathers = voters.apply(name_weather, axis=1, args=(indoor, time, best_bright, options))
    middle = voters[MEASURES].median()
    words = {"time_of_day": time, "weather": vote(weathers)[0], "indoor": indoor, "score": score}
    return words | {"light": name_light(middle, options), "warmth": name_warmth(middle, options)}


def describe_film(rows: pd.DataFrame, options: dict) -> pd.DataFrame:
    """Words by shot_id; `rows` has per image MEASURES, location, shot_id, falling and fade."""
    rows = rows.assign(fog=is_fog(rows, options))
    clear = rows[~rows["fade"]]
    shots = clear.groupby("shot_id")[[*MEASURES, "fog"]].median()
    shots["falling"] = clear.groupby("shot_id")["falling"].first()
    shots["location"] = clear.groupby("shot_id")["location"].first()
    words = {}
    for location, group in shots.groupby("location"):
        indoor = weigh_place(group, options)
        day = group["warm"].between(options["cold_warm"], options["sunset_warm"])
        best = group.loc[day & ~group["fog"].astype(bool), "bright"].max()  # nan: none
        for shot_id in group.index if location else []:
            images = rows[rows["shot_id"] == shot_id]
            words[shot_id] = describe_shot(images, indoor, best, options)
    return pd.DataFrame.from_dict(words, orient="index", columns=LIGHTING.names[1:])


def measure_shot(
    shot: pd.DataFrame, load: Callable[[str], tuple[np.ndarray, np.ndarray]], options: dict
) -> pd.DataFrame:
    """Measures of the images of one shot, and what falls in it; three are held at a time."""
    rows = pd.DataFrame([measure_image(*load(frame)) for frame in shot["frame_id"]])
    falling = []
    middles = np.unique(np.linspace(1, max(1, len(shot) - 2), TRIPLES).round().astype(int))
    for n in middles if len(shot) > 2 else []:
        images = [shrink_gray(*load(frame)) for frame in shot["frame_id"].iloc[n - 1 : n + 2]]
        grays = [gray for gray, _ in images]
        if len({gray.shape for gray in grays}) > 1:
            continue
        free = ~np.any([people for _, people in images], axis=0)
        falling.append(name_falling(*measure_specks(*grays, free), options))
    often = max(set(falling), key=falling.count) if falling else ""
    return rows.assign(frame_id=shot["frame_id"].to_numpy(), falling=often)


def shrink_gray(image: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gray image and widened people at the size in which specks are looked for."""
    scale = min(1.0, SPECK_PX / max(image.shape[:2]))
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    gray = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    covered = cv2.resize(people.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return gray, cv2.dilate(covered, np.ones((15, 15))) > 0


def main(
    frames: str,
    images: str,
    instances: list[str],
    locations: str,
    lighting: str,
    *,
    thresholds: dict,
) -> Counts:
    """Measure every image, then name each shot's light."""
    table = read_manifest(frames, FRAME_COLUMNS)
    table = table[table["file"] != ""].sort_values("frame_id")
    table = table.merge(read_manifest(locations, ["frame_id", "location"]), on="frame_id")
    masks = dict(list(read_manifest(instances, INSTANCE_COLUMNS).groupby("frame_id")))
    files = dict(zip(table["frame_id"], table["file"], strict=True))

    def load(frame_id: str) -> tuple[np.ndarray, np.ndarray]:
        image = read_rgb(Path(images) / files[frame_id])
        people = np.zeros(image.shape[:2], bool)
        for row in masks[frame_id].itertuples() if frame_id in masks else []:
            people |= decode_rle(row.mask, row.height_px, row.width_px)
        return image, people

    shots = [shot for _, shot in table.groupby("shot_id")]
    reader = progress(shots, "measuring light", total=len(shots))
    measures = [measure_shot(shot, load, thresholds) for shot in reader]
    rows = table.merge(pd.concat(measures), on="frame_id") if measures else table
    words = describe_film(rows, thresholds) if measures else pd.DataFrame(columns=LIGHTING.names)
    found = table[["frame_id", "shot_id"]].join(words, on="shot_id").drop(columns="shot_id")
    unknown = found["time_of_day"].isna()
    found.loc[unknown, ["time_of_day", "weather", "indoor"]] = "unknown"
    found = found.fillna({"light": "", "warmth": "", "score": 0.0})
    write_manifest(found[LIGHTING.names], lighting, LIGHTING)
    times = found["time_of_day"].value_counts().to_dict()
    log.info("times of day: %s", times)
    return Counts("images", len(found), len(found), found=times)


if __name__ == "__main__":
    run_phase(main, snakemake)
