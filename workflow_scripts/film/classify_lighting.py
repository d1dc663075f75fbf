"""Name the time of day, the weather and indoors or outdoors, from measured light.

Reads frames, places and the measures of light; leaves one row per image. Rules with thresholds
from the config turn measures into words, shots agree by vote, and a place is indoors or outdoors as
a whole: one shot that shows sky speaks for the close-ups too. Where no rule speaks the word is
"unknown". The thresholds were set on small rendered films: on another film look
at the groups in the report before you trust them.
"""

import pandas as pd
import pyarrow as pa

from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase

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
MEASURES = ["dark", "middle", "bright", "warm", "dark_channel", "color", "green", "sky"]
SPECKS = ["compared", "specks", "speck_shape"]


def name_falling(specks: float, shape: float, options: dict) -> str:
    """Rain, snow or "": long specks fall fast, round ones slowly."""
    if not specks >= options["min_specks"]:  # also nan
        return ""
    return "rain" if shape >= options["rain_shape"] else "snow"


def weigh_place(shots: pd.DataFrame, options: dict) -> str:
    """Indoors or outdoors, by all shots of one place (rows with MEASURES and falling).

    Outdoors speak sky, green, what falls, the low sun and moonlight; indoors a warm, lamp-lit look.
    Where lamps burn, light that is warmer still is a lamp near by and no low sun.
    """
    low_sun = shots["warm"] >= options["sunset_warm"]
    lamps = (shots["warm"] >= options["lamp_warm"]) & ~low_sun
    inside = lamps & (shots["green"] < options["min_green"])
    sunny = low_sun & (not inside.any())
    outside = (
        (shots["sky"] >= options["min_sky"]).astype(float)
        + (shots["green"] >= options["min_green"])
        + (shots["falling"] != "")
        + sunny
        + is_cold(shots, options)
    )
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


def find_falling(rows: pd.DataFrame, options: dict) -> pd.Series:
    """Rain, snow or "" by shot_id: what most of the shot's compared images say.

    Where the camera moves nothing was measured (nan): such an image has no say.
    """
    said = {}
    for shot_id, images in rows.groupby("shot_id"):
        compared = images.loc[images["compared"], ["specks", "speck_shape"]].dropna()
        words = [name_falling(*pair, options) for pair in compared.itertuples(index=False)]
        said[shot_id] = max(words, key=words.count) if words else ""
    return pd.Series(said, dtype=str)


def main(
    frames: str, locations: str, measures: list[str], lighting: str, *, thresholds: dict
) -> Counts:
    """Name each shot's light."""
    table = read_manifest(frames, FRAME_COLUMNS)
    table = table[table["file"] != ""].sort_values("frame_id")
    table = table.merge(read_manifest(locations, ["frame_id", "location"]), on="frame_id")
    rows = table.merge(read_manifest(measures, ["frame_id", *MEASURES, *SPECKS]), on="frame_id")
    rows = rows.assign(falling=rows["shot_id"].map(find_falling(rows, thresholds)))
    words = describe_film(rows, thresholds)
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
