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


def write_unreadable(
    image: np.ndarray, x: int, y: int, px: int, *, letters: int = 8, seed: int = 1
) -> np.ndarray:
    """Write letters of no script: strokes and rings in squares of `px`; x, y: upper left corner."""
    image, rng = image.copy(), np.random.default_rng(seed)
    for n in range(letters):
        corner = np.array([x + n * int(1.15 * px), y])
        ends = rng.choice([0.08, 0.5, 0.92], (4, 2, 2))
        for color, thick in (((0, 0, 0), px // 5), ((255, 255, 255), px // 10)):
            for one, other in ends:
                a, b = (tuple((corner + px * end).astype(int).tolist()) for end in (one, other))
                cv2.line(image, a, b, color, thick, cv2.LINE_AA)
            center = tuple((corner + px * ends[0, 0]).astype(int).tolist())
            cv2.circle(image, center, px // 5, color, thick, cv2.LINE_AA)
    return image
