"""Backgrounds in a certain light, made in code."""

import cv2
import numpy as np

HEIGHT, WIDTH = 180, 320
NOBODY = np.zeros((HEIGHT, WIDTH), bool)


def make_wall(color: tuple, seed: int = 1) -> np.ndarray:
    """Bricks around one color."""
    noise = np.random.default_rng(seed).normal(1, 0.25, (18, 32, 1))
    bricks = np.clip(np.array(color) * noise, 0, 255).astype(np.uint8)
    return cv2.resize(bricks, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)


def make_landscape() -> np.ndarray:
    image = make_wall((115, 110, 100))
    image[:80] = np.linspace((120, 160, 220), (180, 200, 225), 80)[:, None].astype(np.uint8)
    return image


def drop(image: np.ndarray, seed: int, size: tuple[int, int]) -> np.ndarray:
    """Sprinkle bright specks of a size (width, height)."""
    image, rng = image.copy(), np.random.default_rng(seed)
    for x, y in rng.integers((0, 0), (WIDTH - size[0], HEIGHT - size[1]), (60, 2)):
        image[y : y + size[1], x : x + size[0]] = np.minimum(
            image[y : y + size[1], x : x + size[0]].astype(int) + 60, 255
        )
    return image
