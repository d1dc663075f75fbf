"""Trains the model of light on tables of `lighting_data`; leaves lighting.json.

    python -m light_models.recipe.lighting_train lighting.json a.parquet --held-out b.parquet

Each head is a network of one hidden layer, fitted by L-BFGS. Its features are jittered and dropped,
so that no single measure decides. Temperatures come from folds that leave kinds of places out.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from workflow_scripts.film.light_model import (
    FEATURES,
    HEADS,
    MAX_DEVIATIONS,
    Head,
    LightModel,
    make_features,
)

HIDDEN = 16
COPIES = 3  # of each row, jittered and with features dropped
JITTER, DROP = 0.25, 0.1  # deviations; share of features that a copy loses
SMOOTHING = 0.03  # of labels: some shots show nothing of their hour
STRANGE = 0.06  # weight of rows whose measures belong to different images: they say nothing
PENALTY = 1e-3  # of squared weights, against the mean loss
ITERATIONS = 250
FOLDS = 4
DIGITS = 4


def select_truth(rows: pd.DataFrame, head: str) -> pd.Series:
    """True class of the rows that a head learns from; others are nan."""
    if head == "indoor":
        return rows["indoor"]
    side = "indoor" if head == "time_indoor" else "outdoor"
    column = "weather" if head == "weather" else "time_of_day"
    return rows[column].where(rows["indoor"] == side)


def augment(features: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Copies (COPIES * N, F) in which every measure is a little off, and some are missing."""
    copies = np.tile(features, (COPIES, 1))
    copies += rng.normal(0, JITTER, copies.shape)
    return copies * (rng.random(copies.shape) > DROP)


def make_rows(
    features: np.ndarray, labels: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features with a bias (M, F + 1), targets (M, C) and weights (M,) to learn from.

    All classes count alike. Strange rows take each measure from another image; their target is
    every class alike, so that what no image looks like is no word.
    """
    x, numbers = augment(features, rng), np.tile(labels, COPIES)
    strange = np.stack([rng.permutation(column) for column in features.T], 1)
    targets = np.eye(count)[numbers] * (1 - SMOOTHING) + SMOOTHING / count
    targets = np.concatenate([targets, np.full((len(strange), count), 1 / count)])
    weights = 1 / np.maximum(np.bincount(labels, minlength=count), 1)[numbers]
    weights *= (1 - STRANGE) / weights.sum()
    weights = np.concatenate([weights, np.full(len(strange), STRANGE / len(strange))])
    x = np.concatenate([x, strange])
    return np.concatenate([x, np.ones((len(x), 1))], 1), targets, weights


def find_loss(
    flat: np.ndarray, x: np.ndarray, targets: np.ndarray, weights: np.ndarray
) -> tuple[float, np.ndarray]:
    """Weighted cross-entropy with its penalty, and its gradient by `flat`; x has a bias column."""
    first, last = unpack(flat, x.shape[1], targets.shape[1])
    inner = np.tanh(x @ first)
    inner = np.concatenate([inner, np.ones((len(x), 1))], 1)
    logits = inner @ last
    logits -= logits.max(1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    loss = -float(weights @ (targets * logs).sum(1)) + PENALTY * float(flat @ flat)
    upper = (np.exp(logs) - targets) * weights[:, None]
    lower = (upper @ last[:-1].T) * (1 - inner[:, :-1] ** 2)
    slopes = np.concatenate([(x.T @ lower).ravel(), (inner.T @ upper).ravel()])
    return loss, slopes + 2 * PENALTY * flat


def unpack(flat: np.ndarray, inputs: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of both layers, bias rows last: (inputs, H), (H + 1, classes)."""
    cut = inputs * HIDDEN
    return flat[:cut].reshape(inputs, HIDDEN), flat[cut:].reshape(HIDDEN + 1, classes)


def fit_head(features: np.ndarray, labels: np.ndarray, classes: tuple, seed: int) -> Head:
    """A head from standardized features (N, F) and class numbers (N,), by L-BFGS."""
    rng = np.random.default_rng(seed)
    x, targets, weights = make_rows(features, labels, len(classes), rng)
    start = rng.normal(0, 0.2, x.shape[1] * HIDDEN + (HIDDEN + 1) * len(classes))
    found = minimize(find_loss, start, (x, targets, weights), "L-BFGS-B", jac=True,
                     options={"maxiter": ITERATIONS})  # fmt: skip
    return Head(classes, *unpack(found.x, x.shape[1], len(classes)), 1.0)


def fit_temperature(heads: list[Head], folds: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """The temperature under which kinds of places left out are least surprising."""

    def loss(temperature: float) -> float:
        total = []
        for head, (features, labels) in zip(heads, folds, strict=True):
            warm = Head(head.classes, head.hidden, head.output, temperature)
            total.append(-warm.log_probabilities(features)[np.arange(len(labels)), labels])
        return float(np.concatenate(total).mean())

    return float(min(np.geomspace(0.5, 4, 43), key=loss))


def train_head(rows: pd.DataFrame, scaled: np.ndarray, name: str, seed: int) -> Head:
    """A head, with the temperature that folds by kind of place ask for."""
    truth, classes = select_truth(rows, name), HEADS[name]
    known = truth.isin(classes).to_numpy()
    labels = truth[known].map(classes.index).to_numpy(int)
    features, kinds = scaled[known], rows.loc[known, "kind"].to_numpy()
    fold_of = {kind: n % FOLDS for n, kind in enumerate(sorted(set(kinds)))}
    folds = np.array([fold_of[kind] for kind in kinds])
    fitted, left = [], []
    for fold in range(FOLDS):
        out = folds == fold
        fitted.append(fit_head(features[~out], labels[~out], classes, seed))
        left.append((features[out], labels[out]))
    whole = fit_head(features, labels, classes, seed)
    return Head(classes, whole.hidden, whole.output, fit_temperature(fitted, left))


def train(rows: pd.DataFrame, seed: int) -> LightModel:
    features = make_features(rows)
    mean, scale = features.mean(0), features.std(0) + 1e-3
    scaled = np.clip((features - mean) / scale, -MAX_DEVIATIONS, MAX_DEVIATIONS)
    heads = {name: train_head(rows, scaled, name, seed) for name in HEADS}
    return LightModel(mean, scale, heads)


def measure_heads(model: LightModel, rows: pd.DataFrame) -> dict[str, float]:
    """Accuracy of single images by head, where the side (indoors or outdoors) is given."""
    found, figures = model.log_probabilities(rows), {}
    for name, classes in HEADS.items():
        truth = select_truth(rows, name)
        known = truth.isin(classes).to_numpy()
        if known.any():
            words = np.array(classes)[found[name][known].argmax(1)]
            figures[name] = round(float((words == truth[known].to_numpy()).mean()), 4)
    return figures


def write_model(model: LightModel, recipe: dict, path: Path) -> None:
    def plain(array: np.ndarray) -> list:
        return np.round(array, DIGITS).tolist()

    heads = {
        name: {"classes": head.classes, "temperature": round(head.temperature, DIGITS),
               "hidden": plain(head.hidden), "output": plain(head.output)}
        for name, head in model.heads.items()
    }  # fmt: skip
    stored = {"recipe": recipe, "features": FEATURES}
    stored |= {"mean": plain(model.mean), "scale": plain(model.scale), "heads": heads}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(stored, separators=(",", ":")) + "\n", encoding="utf-8")
    partial.replace(path)


def main(model: Path, tables: list[Path], held_out: list[Path], seed: int) -> None:
    rows = pd.concat([pd.read_parquet(table) for table in tables], ignore_index=True)
    fitted = train(rows, seed)
    recipe = {
        "made_by": "light_models.recipe.lighting_train", "seed": seed, "shots": len(rows),
        "scenes": int(rows["scene"].nunique()), "kinds": sorted(set(rows["kind"])),
        "scene_seeds": sorted({int(scene.split("-")[0]) for scene in rows["scene"]}),
    }  # fmt: skip
    if held_out:
        others = pd.concat([pd.read_parquet(table) for table in held_out], ignore_index=True)
        recipe["held_out_kinds"] = sorted(set(others["kind"]))
        recipe["held_out_shots"] = len(others)
        recipe["held_out_accuracy"] = measure_heads(fitted, others)
    write_model(fitted, recipe, model)
    print(json.dumps(recipe, indent=1))
    print({name: round(head.temperature, 2) for name, head in fitted.heads.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--held-out", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
