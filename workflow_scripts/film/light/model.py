"""Probability of indoors or outdoors from measures of light: a small network in numpy.

The file is JSON (`resources/light_models/lighting.json`): names and spread of the features, and per
head its classes and the weights of one hidden layer. `make lighting-model` makes it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.film.light.measures import MEASURES
from workflow_scripts.lib.errors import CineloraError

SPECKS = ("specks", "speck_shape")
FEATURES = (*MEASURES, "contrast", "specks", "speck_shape", "specks_seen")
HEADS = {"indoor": ("outdoor", "indoor")}  # what each head names
MAX_DEVIATIONS = 4.0  # what is farther from the mean says no more: films have other extremes


@dataclass(frozen=True)
class Head:
    """One hidden layer of tanh, then softmax; `temperature` above 1 makes it less sure."""

    classes: tuple[str, ...]
    hidden: np.ndarray  # (F + 1, H), the last row is the bias
    output: np.ndarray  # (H + 1, C)
    temperature: float

    def log_probabilities(self, scaled: np.ndarray) -> np.ndarray:
        """(N, C) from standardized features (N, F)."""
        hidden = np.tanh(scaled @ self.hidden[:-1] + self.hidden[-1])
        logits = (hidden @ self.output[:-1] + self.output[-1]) / self.temperature
        logits = logits - logits.max(1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(1, keepdims=True))


@dataclass(frozen=True)
class LightModel:
    """Heads by the names of HEADS, and how their features are standardized."""

    mean: np.ndarray  # (F,)
    scale: np.ndarray  # (F,)
    heads: dict[str, Head]

    def log_probabilities(self, measures: pd.DataFrame) -> dict[str, np.ndarray]:
        """Per head (N, C) of rows with MEASURES and SPECKS."""
        scaled = (make_features(measures) - self.mean) / self.scale
        scaled = np.clip(scaled, -MAX_DEVIATIONS, MAX_DEVIATIONS)
        return {name: head.log_probabilities(scaled) for name, head in self.heads.items()}


def make_features(measures: pd.DataFrame) -> np.ndarray:
    """FEATURES (N, F) float64; specks that nobody could look for (nan) are none, with a flag."""
    specks, shape = (measures[name].astype(float).to_numpy() for name in SPECKS)
    seen = np.isfinite(specks)
    columns = {name: measures[name].to_numpy(float) for name in MEASURES}
    columns["contrast"] = columns["bright"] - columns["dark"]
    columns["specks"] = np.log1p(np.where(seen, specks, 0.0))
    # of single specks the shape means nothing
    shaped = seen & (specks > 0.5)
    columns["speck_shape"] = np.log(np.clip(np.where(shaped, shape, 1.0), 0.25, 16))
    columns["specks_seen"] = seen.astype(float)
    return np.stack([columns[name] for name in FEATURES], 1)


def read_light_model(path: str | Path) -> LightModel:
    """Read a model, or say why it does not fit these measures."""
    try:
        stored = json.loads(Path(path).read_text(encoding="utf-8"))
        features, heads = tuple(stored["features"]), stored["heads"]
        read = {name: read_head(heads[name]) for name in HEADS}
        model = LightModel(np.array(stored["mean"]), np.array(stored["scale"]), read)
    except (KeyError, TypeError, ValueError) as error:
        raise CineloraError(
            f"{path} is no model of light: {type(error).__name__}: {error}.\n"
            "  Restore it from the repository, or make it again: `make lighting-model`."
        ) from error
    check_model(model, features, path)
    return model


def read_head(stored: dict) -> Head:
    hidden, output = (np.array(stored[name], float) for name in ("hidden", "output"))
    return Head(tuple(stored["classes"]), hidden, output, float(stored["temperature"]))


def check_model(model: LightModel, features: tuple[str, ...], path: str | Path) -> None:
    """Names, shapes and finite numbers; a model of other measures would answer nonsense."""
    count = len(FEATURES)
    wrong = [] if features == FEATURES else ["its features are not those that are measured"]
    if model.mean.shape != (count,) or model.scale.shape != (count,) or not (model.scale > 0).all():
        wrong.append("mean and scale do not fit the features")
    for name, head in model.heads.items():
        width = head.hidden.shape[-1]
        shapes = (head.hidden.shape, head.output.shape)
        if shapes != ((count + 1, width), (width + 1, len(head.classes))):
            wrong.append(f"the weights of {name} have the shapes {shapes}")
        elif head.classes != HEADS[name] or not head.temperature > 0:
            wrong.append(f"the classes of {name} are {', '.join(head.classes)}")
        elif not (np.isfinite(head.hidden).all() and np.isfinite(head.output).all()):
            wrong.append(f"weights of {name} are no numbers")
    if wrong:
        raise CineloraError(
            f"{path} does not fit this version: {'; '.join(wrong)}.\n"
            "  Restore it from the repository, or make it again: `make lighting-model`."
        )
