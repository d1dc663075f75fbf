"""Models of light made in code: each class of a head follows one measure."""

import json
from pathlib import Path

import numpy as np

from workflow_scripts.film.light.model import FEATURES, HEADS

# head -> class -> the feature that speaks for it, and the sign; a class without one has 0
SIGNS = {
    "indoor": {"outdoor": ("sky", 1.0), "indoor": ("warm", 1.0)},
}
LEVELS = {"sky": 0.05, "warm": 0.8}
SURE = 6.0  # logit of a class whose feature is far above its level


def make_light_model() -> dict:
    """The model as JSON would hold it."""
    mean = np.array([LEVELS.get(name, 0.0) for name in FEATURES])
    heads = {}
    for name, classes in HEADS.items():
        hidden = np.zeros((len(FEATURES) + 1, len(classes)))
        output = np.zeros((len(classes) + 1, len(classes)))
        for number, word in enumerate(classes):
            feature, sign = SIGNS[name].get(word, (None, 0.0))
            if feature:
                hidden[FEATURES.index(feature), number] = sign
                output[number, number] = SURE
        heads[name] = {"classes": classes, "temperature": 1.0,
                       "hidden": hidden.tolist(), "output": output.tolist()}  # fmt: skip
    scale = np.full(len(FEATURES), 0.05)
    stored = {"features": FEATURES, "mean": mean.tolist(), "scale": scale.tolist(), "heads": heads}
    return json.loads(json.dumps(stored))


def write_light_model(folder: Path) -> Path:
    path = folder / "lighting.json"
    path.write_text(json.dumps(make_light_model()), encoding="utf-8")
    return path
