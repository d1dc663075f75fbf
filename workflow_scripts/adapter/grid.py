"""A grid of drawn images with its labels: columns are prompts and seeds, rows are strengths
of the adapter and its controls, which draw the first prompts only.
"""

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np

CELL_PX = 128
LABEL_PX = 110  # width of the labels at the left
LINE_PX = 14
LINES = 4  # of a prompt, above its columns
GAP_PX = 4
FONT, SIZE, INK, PAPER = cv2.FONT_HERSHEY_SIMPLEX, 0.38, (40, 40, 40), 255


def draw_grid(
    title: str,
    prompts: Sequence[str],
    seeds: Sequence[int],
    rows: dict[str, np.ndarray],
    *,
    cell_px: int = CELL_PX,
) -> np.ndarray:
    """Lay images out, RGB uint8; every row is (N, H, W, 3), in the order of prompts and seeds."""
    step, head = cell_px + GAP_PX, (LINES + 3) * LINE_PX
    size = (head + len(rows) * step, LABEL_PX + len(prompts) * step, 3)
    page = np.full(size, PAPER, np.uint8)
    write_text(page, [title], (GAP_PX, LINE_PX))
    for n, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True)):
        lines = textwrap.wrap(prompt, cell_px // 7, max_lines=LINES, placeholder=" ...")
        write_text(page, [*lines, f"seed {seed}"], (LABEL_PX + n * step, 2 * LINE_PX + GAP_PX))
    for line, (name, images) in enumerate(rows.items()):
        top = head + line * step
        write_text(page, textwrap.wrap(name, LABEL_PX // 8), (GAP_PX, top + cell_px // 2))
        for n, image in enumerate(images):
            left = LABEL_PX + n * step
            page[top : top + cell_px, left : left + cell_px] = fit_cell(image, cell_px)
    return page


def name_rows(images: dict[float | str | None, np.ndarray]) -> dict[str, np.ndarray]:
    """Rows of the grid: strengths of the adapter, then controls by name.

    Strength 0 looks like the base and is left out.
    """
    names = {
        key: key.replace("_", " ") if isinstance(key, str) else f"strength {key}" for key in images
    }
    names[None] = "no adapter"
    return {names[key]: drawn for key, drawn in images.items() if key != 0}


def draw_words(title: str, words: str) -> np.ndarray:
    """A page of words in place of images, RGB uint8."""
    lines = [title, "", *textwrap.wrap(words, 4 * CELL_PX // 7)]
    page = np.full(((len(lines) + 2) * LINE_PX, 4 * CELL_PX + LABEL_PX, 3), PAPER, np.uint8)
    write_text(page, lines, (GAP_PX, 2 * LINE_PX))
    return page


def fit_cell(image: np.ndarray, cell_px: int = CELL_PX) -> np.ndarray:
    """Scale a square image to a cell; small ones keep their pixels visible."""
    method = cv2.INTER_AREA if image.shape[0] > cell_px else cv2.INTER_NEAREST
    return cv2.resize(image, (cell_px, cell_px), interpolation=method)


def write_text(page: np.ndarray, lines: Sequence[str], corner: tuple[int, int]) -> None:
    """Write lines below each other; OpenCV's font knows ASCII only, other letters become "?"."""
    for n, line in enumerate(lines):
        text = line.encode("ascii", "replace").decode()
        place = (corner[0], corner[1] + n * LINE_PX)
        cv2.putText(page, text, place, FONT, SIZE, INK, 1, cv2.LINE_AA)
