"""Where a body lies in its image, whichever models found it: a region (4,).

That is center x, center y, side, angle: the middle of the hips, a square around the whole figure,
both in pixels, and by how many radians it is turned clockwise; 0 stands upright. Models that look
at such squares say themselves where they looked. For all others it follows from the joints that are
seen, and where those are too few from the box, as if an upright figure stood in it. That is no more
than a guess.
"""

import numpy as np

SEEN = 0.3  # confidence from which a joint is where it is said to be: kpt_thr of mmpose's demos
PARTS = {"head": [0, 1, 2, 3, 4], "shoulders": [5, 6], "hips": [11, 12]}  # COCO-17
# Heights over the ground in shares of a person's (Drillis and Contini, 1966)
HEIGHTS = {"head": 0.936, "shoulders": 0.818, "hips": 0.53}
SPANS = (("hips", "shoulders"), ("hips", "head"), ("shoulders", "head"))  # the surest first
SIDE = 2 * HEIGHTS["hips"] * 1.25  # of a person's height: twice from hips to ground, and a margin
WIDTH = 0.5  # of a person's height: no box of a whole figure is much wider
MIN_SPAN = 0.05  # of the box's longer side; a shorter one points at the camera and gives no scale


def find_region(own: np.ndarray | None, keypoints: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Region (4,) float32 of a body; `own` is what the segmenter says, None where it has none.

    `keypoints` (17, 3) are x, y, confidence, `box` (4,) is x0, y0, x1, y1.
    """
    if own is not None:
        return np.asarray(own, np.float32)
    points = find_middles(keypoints)
    width, height = box[2] - box[0], box[3] - box[1]
    for lower, upper in SPANS:
        if lower in points and upper in points:
            up = points[upper] - points[lower]
            if np.linalg.norm(up) > MIN_SPAN * max(width, height):
                return _place(points[lower], lower, up / (HEIGHTS[upper] - HEIGHTS[lower]))
    if set(points) == {"head"}:  # a close-up: eyes lie in the middle of a head
        return _place(points["head"], "head", np.array([0, -height / 2 / (1 - HEIGHTS["head"])]))
    tall = max(height, width / WIDTH)
    hips = np.array([(box[0] + box[2]) / 2, box[1] + (1 - HEIGHTS["hips"]) * tall])
    return _place(hips, "hips", np.array([0, -tall]))


def is_guess(own: np.ndarray | None, keypoints: np.ndarray) -> bool:
    """Whether nothing but the box says where the body lies."""
    return own is None and not find_middles(keypoints)


def find_middles(keypoints: np.ndarray) -> dict[str, np.ndarray]:
    """Where head, shoulders and hips of a body (17, 3) are, (2,) each, as far as they are seen."""
    seen = keypoints[:, 2] >= SEEN
    rows = {part: [n for n in joints if seen[n]] for part, joints in PARTS.items()}
    return {part: keypoints[joints, :2].mean(0) for part, joints in rows.items() if joints}


def _place(point: np.ndarray, part: str, body: np.ndarray) -> np.ndarray:
    """Region of a body with a part at `point`; `body` (2,) goes from its feet to its top."""
    hips = point - body * (HEIGHTS[part] - HEIGHTS["hips"])
    angle = np.arctan2(body[0], -body[1])
    return np.array([*hips, SIDE * np.linalg.norm(body), angle], np.float32)
