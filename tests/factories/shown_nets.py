"""Nets that keep what they are shown: for tests of colors, means, scales and letterboxes."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from workflow_scripts.models.registry import choose_model

IMAGENET = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], np.float32)
PAINT = (200, 100, 50)  # RGB; no channel is like another


class Session:
    """A net that keeps what it is shown, and answers always the same."""

    def __init__(self, outputs: list[np.ndarray], shape: tuple):
        self.outputs, self.shape, self.seen = outputs, shape, []

    def get_inputs(self):
        return [SimpleNamespace(name="input", shape=self.shape)]

    def get_outputs(self):
        return [SimpleNamespace(name=str(n), shape=o.shape) for n, o in enumerate(self.outputs)]

    def run(self, names, feeds):
        (batch,) = feeds.values()
        self.seen.append(batch)
        return [np.repeat(o[:1], len(batch), 0) for o in self.outputs]


def paint(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), PAINT, np.uint8)


def row_of(role: str, name: str) -> dict:
    return choose_model(role, {"tier": "full", role: name})["options"]


def open_with(monkeypatch, module, role: str, outputs: list[np.ndarray], options: dict):
    """The model of a loader whose net is a Session, and the session."""
    session = Session(outputs, ("n", 3, 0, 0))
    monkeypatch.setattr(module, "open_onnx", lambda *_: session)
    load = getattr(module, f"load_{role}")
    return load({"net.onnx": Path("net.onnx")}, device="cpu", **options), session
