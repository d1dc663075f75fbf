"""Says how good a model of light is, by domain: accuracy, unknown, calibration, confusion.

    python -m light_models.recipe.lighting_report lighting.json held=held.parquet cycles=c.parquet

Judged are shots as the workflow judges them (places agree on indoors). An unknown is no hit. The
ablation tells what single images lose when one group of features is held at its mean.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from light_models.recipe.lighting_scenes import SHOTS_PER_PLACE
from light_models.recipe.lighting_train import select_truth

from workflow_scripts.film.classify_lighting import agree_on_specks, describe_shots
from workflow_scripts.film.light_model import (
    FEATURES,
    HEADS,
    LightModel,
    make_features,
    read_light_model,
)

WORDS = ("time_of_day", "weather", "indoor")
BINS = np.array([0, 0.5, 0.65, 0.8, 0.9, 1.0001])
GROUPS = {
    "tones": ("dark", "low", "middle", "high", "bright", "peak", "glare", "shade", "contrast"),
    "warmth": ("warm", "warm_dark", "warm_bright", "tint"),
    "hues": ("color", "vivid", "red", "yellow", "green", "blue"),
    "air and texture": ("dark_channel", "texture"),
    "sky": ("sky", "smooth_top", "smooth_tone", "smooth_warm"),
    "top against bottom": ("top_tone", "top_warm", "top_color", "top_texture", "top_dark_channel"),
    "lamps": ("lamps",),
    "specks": ("specks", "speck_shape", "specks_seen"),
}


def read_rows(table: Path) -> pd.DataFrame:
    """Rows as the phase wants them, with their truth; drawn shots of a place are one place."""
    rows = pd.read_parquet(table)
    if "place" not in rows:
        seed, number = zip(*(scene.split("-") for scene in rows["scene"]), strict=True)
        block = pd.Series(number).astype(int) // SHOTS_PER_PLACE
        rows["place"] = [f"{s}-{b}-{shot.rsplit('-', 1)[1]}" for s, b, shot in
                         zip(seed, block, rows["shot"], strict=True)]  # fmt: skip
    rows["compared"] = rows.get("compared", True)
    return rows.assign(shot_id=rows["shot"], location=rows["place"], fade=False)


def name_shots(model: LightModel, rows: pd.DataFrame, minimum: dict) -> pd.DataFrame:
    """One row per frame: words, probabilities, and the truth as <word>_true."""
    found = describe_shots(agree_on_specks(rows), model, minimum)
    truth = rows[["shot_id", *WORDS]].rename(columns={word: f"{word}_true" for word in WORDS})
    return truth.join(found, on="shot_id")


def measure(named: pd.DataFrame) -> pd.DataFrame:
    """Per word: accuracy, share of unknown, accuracy of what was named, n."""
    lines = {}
    for word in WORDS:
        rows = named[named["indoor_true"] == "outdoor"] if word == "weather" else named
        if len(rows):
            hits, said = rows[word] == rows[f"{word}_true"], rows[word] != "unknown"
            lines[word] = {"accuracy": hits.mean(), "unknown": 1 - said.mean()}
            lines[word] |= {"named_right": hits[said].mean(), "n": len(rows)}
    return pd.DataFrame(lines).T.round(3)


def bin_reliability(named: pd.DataFrame) -> pd.DataFrame:
    """Per word and bin of probability: mean probability, share that is right, n."""
    lines = []
    for word in WORDS:
        rows = named[named["indoor_true"] == "outdoor"] if word == "weather" else named
        chances = rows[f"{word}_probability"]
        for number, part in rows.groupby(np.digitize(chances, BINS)):
            hits = part[f"{word}_best"] == part[f"{word}_true"]
            mean = part[f"{word}_probability"].mean()
            line = {"word": word, "from": BINS[number - 1], "n": len(part)}
            lines.append(line | {"probability": mean, "right": hits.mean()})
    return pd.DataFrame(lines).round(3)


def add_best(model: LightModel, rows: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """The likeliest word even where it is too unsure to be said, as <word>_best."""
    best = describe_shots(agree_on_specks(rows), model, dict.fromkeys(WORDS, 0.0))
    return named.join(best[list(WORDS)].add_suffix("_best"), on="shot_id")


def ablate(model: LightModel, rows: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of each head on single images, whole and with one group of features at its mean."""
    scaled = np.clip((make_features(rows) - model.mean) / model.scale, -4, 4)
    lines = {}
    for group, names in {"nothing": (), **GROUPS}.items():
        held = scaled.copy()
        held[:, [FEATURES.index(name) for name in names]] = 0
        lines[group] = {}
        for head, classes in HEADS.items():
            truth = select_truth(rows, head)
            known = truth.isin(classes).to_numpy()
            chosen = model.heads[head].log_probabilities(held[known]).argmax(1)
            lines[group][head] = (np.array(classes)[chosen] == truth[known].to_numpy()).mean()
    return pd.DataFrame(lines).T.round(3)


def main(model: Path, domains: list[str], options: Path, ablation: bool) -> None:
    loaded = read_light_model(model)
    minimum = yaml.safe_load(options.read_text(encoding="utf-8"))["classify_lighting"]
    for domain in domains:
        name, _, tables = domain.partition("=")
        rows = pd.concat([read_rows(Path(t)) for t in tables.split(",")], ignore_index=True)
        named = name_shots(loaded, rows, minimum["min_probability"])
        print(f"\n## {name}: {rows['shot'].nunique()} shots\n\n{measure(named).to_string()}\n")
        print(bin_reliability(add_best(loaded, rows, named)).to_string(index=False))
        for word in WORDS:
            said = named[named["indoor_true"] == "outdoor"] if word == "weather" else named
            print(f"\n{pd.crosstab(said[f'{word}_true'], said[word]).to_string()}")
        if ablation:
            print(f"\nwithout\n{ablate(loaded, rows).to_string()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("domains", nargs="+", help="name=table.parquet,table.parquet")
    parser.add_argument("--options", type=Path, default=Path("../config/options/film.yaml"))
    parser.add_argument("--ablation", action="store_true")
    main(**vars(parser.parse_args()))
