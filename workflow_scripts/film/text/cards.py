"""Cards: images that beside their text are of one color, or of a smooth run of it."""

from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np
import pandas as pd

from workflow_scripts.film.text.lines import CARD_GRID, Box, same_place
from workflow_scripts.lib.images import clip_box

CARD_RIPPLE = 4.0  # of a card's gray (0 to 255), what is left after a smooth run of it is taken off
CREDIT_LINES = 4  # a card with at least so many lines is credits
FADING = 0.8  # share of such lines that stand on a card beside: this one fades, and ripples


def find_cards(
    piece: pd.DataFrame, boxes: Sequence[Sequence[Box]], grays: Mapping[str, np.ndarray]
) -> list[bool]:
    """Which images of a piece of a shot are cards; `boxes` are those of their lines.

    Credits that stand on a card in the image before or after are on one still while it fades.
    """
    sizes = zip(piece["width_px"], piece["height_px"], strict=True)
    images = zip(piece["frame_id"], boxes, sizes, strict=True)
    plain = [bool(own) and is_card(grays[name], own, size) for name, own, size in images]
    return [
        is_plain or any(plain[k] and fades(own, boxes[k]) for k in _list_beside(n, len(plain)))
        for n, (is_plain, own) in enumerate(zip(plain, boxes, strict=True))
    ]


def _list_beside(place: int, count: int) -> list[int]:
    return [n for n in (place - 1, place + 1) if 0 <= n < count]


def fades(boxes: Sequence[Box], beside: Sequence[Box]) -> bool:
    """Whether these are credits, most of which stand at the same places in the image beside."""
    stay = sum(any(same_place(box, other) for other in beside) for box in boxes)
    return len(boxes) >= CREDIT_LINES and stay >= FADING * len(boxes)


def is_card(gray: np.ndarray, boxes: Iterable[Box], size: tuple[int, int]) -> bool:
    """Whether an image is a title card: beside the text one color, or a smooth run of it.

    `gray` holds the cells of CARD_GRID row by row; size = width, height of the image.
    """
    width, height = size
    beside = np.ones((height, width), np.float32)
    for box in boxes:
        px = (box[3] - box[1]) / 2
        x0, y0, x1, y1 = clip_box(np.add(box, [-px, -px, px, px]), width, height)
        beside[y0:y1, x0:x1] = 0
    free = cv2.resize(beside, CARD_GRID, interpolation=cv2.INTER_AREA).ravel() > 0.99
    values = gray[free]
    y, x = np.divide(np.mgrid[: CARD_GRID[1], : CARD_GRID[0]].reshape(2, -1), CARD_GRID[0])
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)[free]
    if len(values) < terms.shape[1]:
        return False
    plane, *_ = np.linalg.lstsq(terms, values, rcond=None)
    return float(np.std(values - terms @ plane)) <= CARD_RIPPLE
