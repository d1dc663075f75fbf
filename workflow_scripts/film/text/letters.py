"""Whether what was found as a line looks written, in whatever script: contrast, strokes, shape.

Nets that find lines find those of all scripts; nets that read know a few. What is found and cannot
be read is text, or a pattern that was taken for it. Letters stand in a long row, far from their
ground, and every letter has a stroke or two; patterns are squat, or faint, or plain.
"""

import numpy as np

from workflow_scripts.film.text.lines import Box
from workflow_scripts.lib.images import clip_box

SIDES = (1, 99)  # percentiles of a channel that count as its darkest and brightest
# Drawn lines of 11 scripts are 2.7 heights long and more, and have 3.3 strokes and more. What the
# net takes for lines in two films without such text is at most 2.4 long; half of it has contrast
# and strokes enough, so shape and place tell. Contrast and strokes keep out what is long: fences
# far off, rows of windows, stripes.
MIN_LENGTH = 2.5  # of a line, in its heights; those of Japanese may run down
HEIGHTS = (0.02, 0.3)  # of the image
MIN_CONTRAST = 0.55
FAINTEST = 0.1  # of watermarks, which one can see through: their place must prove them
MIN_STROKES = 2.5


def measure_letters(image: np.ndarray, box: Box) -> tuple[float, float]:
    """Contrast and stroke density of the line in a box of an image (H, W, 3).

    Contrast is the range of the color channel that has the widest, 0 to 1; density how often light
    and dark change along the middle of the line, per height of the line.
    """
    x0, y0, x1, y1 = clip_box(box, image.shape[1], image.shape[0])
    if x1 <= x0 or y1 <= y0:
        return 0.0, 0.0
    part = image[y0:y1, x0:x1]
    dark, bright = np.percentile(part.reshape(-1, 3), SIDES, axis=0)
    channel = int(np.argmax(bright - dark))
    ink = part[..., channel] > (dark[channel] + bright[channel]) / 2
    ink = ink.T if ink.shape[0] > ink.shape[1] else ink
    high, long = ink.shape
    middle = ink[int(0.3 * high) : int(0.7 * high) + 1]
    changes = (middle[:, 1:] != middle[:, :-1]).sum(1).mean()
    return float(bright[channel] - dark[channel]) / 255, float(changes * high / long)


def rank_writing(box: Box, height_px: int, contrast: float, stroke_density: float) -> int:
    """2: a line looks written, whatever it says; 1: it does, but faintly; 0: it may be a pattern.

    `height_px` is that of the image.
    """
    sides = box[2] - box[0], box[3] - box[1]
    in_a_row = max(sides) >= MIN_LENGTH * min(sides)
    is_size = HEIGHTS[0] <= min(sides) / height_px <= HEIGHTS[1]
    if not (in_a_row and is_size and stroke_density >= MIN_STROKES and contrast >= FAINTEST):
        return 0
    return 2 if contrast >= MIN_CONTRAST else 1
