"""Images with text on them, made in code."""

import cv2
import numpy as np

SIZE = (320, 180)  # width, height


def write_text(image: np.ndarray, text: str, x: int, y: int) -> np.ndarray:
    image = image.copy()
    for color, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, color, thick, cv2.LINE_AA)
    return image


def make_noise(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(60, 160, (12, 20, 3), np.uint8)
    return cv2.resize(noise, SIZE, interpolation=cv2.INTER_CUBIC)
