"""FER's mini net: seven emotions from a gray 64 px image of a face."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from workflow_scripts.models.expressions import Expression
from workflow_scripts.models.loaders.files import named_file
from workflow_scripts.models.loaders.tflite import open_tflite

SIDE_PX = 64
VIEW_PX = 2 * SIDE_PX  # contrast is evened out before the view is made smaller
# Rendered faces are evenly lit; the photographs that the net learned from are not.
CONTRAST = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(4, 4))
ORDER = [6, 3, 4, 0, 5, 2, 1]  # the net says angry, disgust, fear, happy, sad, surprise, neutral


def load_expression(files: dict[str, Path], *, device: str) -> Expression:
    """Return expression(tight RGB crops) -> (N, 7) probabilities in the order of EMOTIONS."""
    run = open_tflite(named_file(files, "emotion_model_quantized.tflite"))

    def classify(crop: np.ndarray) -> np.ndarray:
        gray = CONTRAST.apply(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))
        small = cv2.resize(gray, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
        return run(small[None, :, :, None] / np.float32(127.5) - 1)[0][0, ORDER]

    def expression(crops: Sequence[np.ndarray]) -> np.ndarray:
        return np.array([classify(crop) for crop in crops], np.float32).reshape(-1, 7)

    return Expression(expression, VIEW_PX)
