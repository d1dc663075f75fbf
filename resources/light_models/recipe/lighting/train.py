"""Trains the model of light on tables of `tables`; leaves lighting.json.

    python -m resources.light_models.recipe.lighting.train lighting.json cycles.parquet cast.parquet

Each head is a network of one hidden layer, fitted by L-BFGS. Its features are jittered and dropped,
so that no single measure decides. Both renderers count alike, whatever their numbers of rows.
Temperatures come from folds that leave kinds of places out.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from workflow_scripts.film.light.model import (
    FEATURES,
    HEADS,
    MAX_DEVIATIONS,
    Head,
    LightModel,
    make_features,
)

HIDDEN = 16
COPIES = 2  # of each row, jittered and with features dropped
JITTER, DROP = 0.2, 0.05  # deviations; share of features that a copy loses
SMOOTHING = 0.03  # of labels: some shots show nothing of their hour
STRANGE = 0.04  # weight of rows whose measures belong to different images: they say nothing
PENALTY = 3e-4  # of squared weights, against the mean loss
ITERATIONS = 200
FOLDS = 2
DIGITS = 4


def scale_features(rows: pd.DataFrame, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.clip((make_features(rows) - mean) / scale, -MAX_DEVIATIONS, MAX_DEVIATIONS)


def weigh(renderers: np.ndarray) -> np.ndarray:
    """Weights (N,) of rows that sum to 1, and to as much for each renderer."""
    names, numbers = np.unique(renderers, return_inverse=True)
    return 1 / (len(names) * np.bincount(numbers)[numbers])


def make_rows(
    features: np.ndarray, labels: np.ndarray, weights: np.ndarray, count: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Features with a bias (M, F + 1), targets (M, C) and weights (M,) to learn from.

    Copies are a little off, and miss some measures. Strange rows take each measure from another
    image; their target is every class alike, so that what no image looks like is no word.
    """
    copies = np.tile(features, (COPIES, 1))
    copies += rng.normal(0, JITTER, copies.shape)
    copies *= rng.random(copies.shape) > DROP
    strange = np.stack([rng.permutation(column) for column in features.T], 1)
    targets = np.eye(count)[np.tile(labels, COPIES)] * (1 - SMOOTHING) + SMOOTHING / count
    targets = np.concatenate([targets, np.full((len(strange), count), 1 / count)])
    weights = np.tile(weights, COPIES) * (1 - STRANGE) / (COPIES * weights.sum())
    weights = np.concatenate([weights, np.full(len(strange), STRANGE / len(strange))])
    x = np.concatenate([copies, strange])
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


def fit_head(
    features: np.ndarray, labels: np.ndarray, weights: np.ndarray, classes: tuple, seed: int
) -> Head:
    """A head from standardized features (N, F) and class numbers (N,), by L-BFGS."""
    rng = np.random.default_rng(seed)
    x, targets, weights = make_rows(features, labels, weights, len(classes), rng)
    start = rng.normal(0, 0.2, x.shape[1] * HIDDEN + (HIDDEN + 1) * len(classes))
    found = minimize(find_loss, start, (x, targets, weights), "L-BFGS-B", jac=True,
                     options={"maxiter": ITERATIONS})  # fmt: skip
    return Head(classes, *unpack(found.x, x.shape[1], len(classes)), 1.0)


def fit_temperature(heads: list[Head], folds: list[tuple]) -> float:
    """The temperature under which kinds of places left out are least surprising."""

    def loss(temperature: float) -> float:
        total, weight = 0.0, 0.0
        for head, (features, labels, weights) in zip(heads, folds, strict=True):
            warm = Head(head.classes, head.hidden, head.output, temperature)
            logs = warm.log_probabilities(features)[np.arange(len(labels)), labels]
            total, weight = total - float(weights @ logs), weight + float(weights.sum())
        return total / weight

    return float(min(np.geomspace(0.5, 4, 43), key=loss))


def fold_kinds(kinds: np.ndarray) -> np.ndarray:
    """Fold (N,) of each row: a kind of place is in one fold only."""
    fold_of = {kind: n % FOLDS for n, kind in enumerate(sorted(set(kinds)))}
    return np.array([fold_of[kind] for kind in kinds])


def train_head(rows: pd.DataFrame, scaled: np.ndarray, name: str, seed: int) -> Head:
    """A head, with the temperature that folds by kind of place ask for."""
    truth, classes = rows[name], HEADS[name]
    known = truth.isin(classes).to_numpy()
    labels = truth[known].map(classes.index).to_numpy(int)
    features, weights = scaled[known], weigh(rows.loc[known, "renderer"].to_numpy())
    folds = fold_kinds(rows.loc[known, "kind"].to_numpy())
    fitted, left = [], []
    for fold in np.unique(folds):
        out = folds == fold
        fitted.append(fit_head(features[~out], labels[~out], weights[~out], classes, seed))
        left.append((features[out], labels[out], weights[out]))
    whole = fit_head(features, labels, weights, classes, seed)
    return Head(classes, whole.hidden, whole.output, fit_temperature(fitted, left))


def train(rows: pd.DataFrame, seed: int) -> LightModel:
    features = make_features(rows)
    mean, scale = features.mean(0), features.std(0) + 1e-3
    scaled = np.clip((features - mean) / scale, -MAX_DEVIATIONS, MAX_DEVIATIONS)
    return LightModel(mean, scale, {name: train_head(rows, scaled, name, seed) for name in HEADS})


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


def describe_recipe(rows: pd.DataFrame, seed: int) -> dict:
    counts = rows["renderer"].value_counts().sort_index().to_dict()
    return {"made_by": "resources.light_models.recipe.lighting.train", "seed": seed, "rows": counts,
            "places": int(rows["place"].nunique()), "kinds": sorted(set(rows["kind"])),
            "license": "Apache-2.0"}  # fmt: skip


def main(model: Path, tables: list[Path], seed: int) -> None:
    rows = pd.concat([pd.read_parquet(table) for table in tables], ignore_index=True)
    fitted = train(rows, seed)
    write_model(fitted, describe_recipe(rows, seed), model)
    print({name: round(head.temperature, 2) for name, head in fitted.heads.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
