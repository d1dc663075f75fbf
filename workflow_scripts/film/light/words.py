"""Words for measured light: time of day, weather, brightness and warmth, shot by shot."""

import pandas as pd

from workflow_scripts.film.light.model import LightModel
from workflow_scripts.film.light.shots import find_sides

WORDS = ["time_of_day", "weather", "indoor", "light", "warmth", "score", "indoor_probability"]
TONES = ["dark", "middle", "bright", "warm", "dark_channel", "color"]  # measures that rules ask


def name_falling(specks: float, shape: float, options: dict) -> str:
    """Rain, snow or "": long specks fall fast, round ones slowly."""
    if not specks >= options["min_specks"]:  # also nan
        return ""
    return "rain" if shape >= options["rain_shape"] else "snow"


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
    middle = voters[TONES].median()
    words = {"time_of_day": time, "weather": vote(weathers)[0], "indoor": indoor, "score": score}
    return words | {"light": name_light(middle, options), "warmth": name_warmth(middle, options)}


def describe_film(
    rows: pd.DataFrame, model: LightModel, min_indoor_probability: float, options: dict
) -> pd.DataFrame:
    """Words by shot_id; of shots that have a place.

    `rows` has per image MEASURES, SPECKS, compared, location, shot_id, falling and fade; `options`
    are the thresholds.
    """
    rows = rows.assign(fog=is_fog(rows, options))
    clear = rows[~rows["fade"]]
    if clear.empty:
        return pd.DataFrame(columns=WORDS)
    sides = find_sides(clear, model, min_indoor_probability)
    shots = clear.groupby("shot_id")[[*TONES, "fog"]].median()
    shots["location"] = clear.groupby("shot_id")["location"].first()
    words = {}
    for location, group in shots.groupby("location"):
        day = group["warm"].between(options["cold_warm"], options["sunset_warm"])
        best = group.loc[day & ~group["fog"].astype(bool), "bright"].max()  # nan: none
        for shot_id in group.index if location else []:
            images, side = rows[rows["shot_id"] == shot_id], sides.loc[shot_id]
            words[shot_id] = describe_shot(images, side["indoor"], best, options)
            words[shot_id]["indoor_probability"] = side["indoor_probability"]
    return pd.DataFrame.from_dict(words, orient="index", columns=WORDS)


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
