"""What lies behind a person: real pixels from other images of the same shot.

A source image is laid over the target (camera at rest, or a homography, then what depth adds),
its light is matched, and the median over all sources that see a pixel is what stands there.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from workflow_scripts.lib.images import scale_size

SMALL_PX = 480  # longer side of the copies that are registered
EDGE_SHARE = 0.2  # the strongest edges of the background, on which a registration is judged
AGREEING = 0.75  # of the edges: the rest may be somebody whom the detector missed
AT_REST = 3.0  # mean gray levels that those edges may differ while the camera rests
STILL_PX = 0.75  # a smaller move of the corners, in small pixels, is none
MAX_REGISTRATION_ERROR = 8.0  # a source whose edges differ by more is not used
GAIN_LIMITS = (0.02, 1.8)  # a much darker source has lost what it would have to show
GAIN_PIXELS = 5000  # an even sample
MIN_FEATURES = 12
REFINE_STEPS = 12


@dataclass(frozen=True)
class View:
    """A small copy of one image, ready to be registered."""

    scale: float  # small pixels per pixel
    gray: np.ndarray  # (h, w) uint8
    color: np.ndarray  # (h, w, 3) uint8
    free: np.ndarray  # (h, w) bool: background
    person: np.ndarray  # (h, w) bool: inside a mask
    edges: np.ndarray  # (h, w) bool: the strongest edges of the background
    points: np.ndarray  # (N, 2) float32 corners in the background
    descriptors: np.ndarray | None  # (N, 32) their ORB descriptors


def make_view(image: np.ndarray, hole: np.ndarray, person: np.ndarray) -> View:
    """Shrink an image and find corners and edges outside its hole; `person` (bool) lies in it."""
    scale = min(1.0, SMALL_PX / max(image.shape[:2]))
    size = scale_size(image, scale)
    color = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    covered = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    free = ~cv2.dilate(covered.astype(np.uint8), np.ones((3, 3))).astype(bool)
    masked = cv2.resize(person.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    gray = cv2.cvtColor(color, cv2.COLOR_RGB2GRAY)
    orb = cv2.ORB_create(800, fastThreshold=8)
    found, descriptors = orb.detectAndCompute(gray, free.astype(np.uint8))
    points = np.array([point.pt for point in found], np.float32).reshape(-1, 2)
    edges = find_edges(gray, free)
    return View(scale, gray, color, free, masked, edges, points, descriptors)


def find_edges(gray: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The strongest edges among the free pixels."""
    smooth = cv2.GaussianBlur(gray, (0, 0), 1.0)
    steep = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    if not free.any():
        return free
    return free & (steep >= np.quantile(steep[free], 1 - EDGE_SHARE))


def match_gain(target: View, source: np.ndarray, common: np.ndarray) -> np.ndarray | None:
    """Factors (3,) from the light of a source to that of the target; None when it is no use."""
    pixels = np.flatnonzero(common)
    if len(pixels) < 100:
        return None
    pixels = pixels[:: max(1, len(pixels) // GAIN_PIXELS)]
    ours, theirs = (image.reshape(-1, 3)[pixels] for image in (target.color, source))
    gain = np.median((ours + np.float32(1)) / (theirs + np.float32(1)), axis=0)
    low, high = GAIN_LIMITS
    return gain if np.all((gain >= low) & (gain <= high)) else None


def scale_light(pixels: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Multiply the channels of uint8 pixels (N, 3) by their gains."""
    if np.all(np.abs(gain - 1) < 0.01):  # less than a gray level or two: keep the real pixels
        return pixels
    return np.clip(np.rint(pixels * gain.astype(np.float32)), 0, 255).astype(np.uint8)


def measure_registration_error(target: View, source: View, matrix: np.ndarray) -> float:
    """Mean gray level difference on the target's background edges; inf where they don't meet."""
    size = target.gray.shape[::-1]
    gray = cv2.warpPerspective(source.gray, matrix, size)
    free = cv2.warpPerspective(source.free.astype(np.uint8), matrix, size).astype(bool)
    seen = free & target.free
    edges = target.edges & seen
    if edges.sum() < 0.25 * target.edges.sum() or edges.sum() < 50:
        return float("inf")
    gain = (target.gray[seen].mean() + 1) / (gray[seen].mean() + 1)
    differences = np.sort(np.abs(target.gray[edges] - gain * gray[edges]))
    return float(differences[: int(AGREEING * len(differences))].mean())


def register(target: View, source: View) -> tuple[np.ndarray, float]:
    """The 3x3 matrix from small source pixels to small target pixels, and its error."""
    rest = np.eye(3)
    registration_error = measure_registration_error(target, source, rest)
    if registration_error <= AT_REST:
        return rest, registration_error
    found = _match_corners(target, source)
    if found is None:
        return rest, registration_error
    moved = _refine(target, source, found)
    moved_error = measure_registration_error(target, source, moved)
    # resampling alone makes an image smoother, and so a little nearer
    needed = 0.7 if _farthest_move(moved, target.gray.shape) < STILL_PX else 0.9
    return (
        (moved, moved_error)
        if moved_error < needed * registration_error
        else (rest, registration_error)
    )


def _farthest_move(matrix: np.ndarray, shape: tuple[int, int]) -> float:
    """How far the matrix moves the corner of an image (height, width) that it moves most."""
    height, width = shape
    corners = np.float32([[[0, 0], [width, 0], [0, height], [width, height]]])
    moved = cv2.perspectiveTransform(corners, matrix.astype(np.float64))
    return float(np.linalg.norm(moved - corners, axis=2).max())


def _match_corners(target: View, source: View) -> np.ndarray | None:
    if min(len(target.points), len(source.points)) < MIN_FEATURES:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(
        source.descriptors, target.descriptors
    )
    ours = target.points[[pair.trainIdx for pair in pairs]]
    theirs = source.points[[pair.queryIdx for pair in pairs]]
    if len(pairs) < MIN_FEATURES:
        return None
    matrix, inliers = cv2.findHomography(theirs, ours, cv2.USAC_MAGSAC, 2.0, maxIters=2000)
    good = matrix is not None and inliers.sum() >= MIN_FEATURES
    return matrix if good else None


def _refine(target: View, source: View, matrix: np.ndarray) -> np.ndarray:
    """Sharpen a homography on all background pixels (ECC); keep it where that does not converge."""
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, REFINE_STEPS, 1e-4)
    free = target.free.astype(np.uint8)
    start = np.linalg.inv(matrix).astype(np.float32)
    try:
        _, refined = cv2.findTransformECC(
            target.gray, source.gray, start, cv2.MOTION_HOMOGRAPHY, stop, free, 5
        )
    except cv2.error:
        return matrix
    return np.linalg.inv(refined)


def warp(
    source: np.ndarray, hole: np.ndarray, matrix: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Warp a source (H, W, 3) and its known pixels by a matrix of small pixels."""
    height, width = hole.shape
    if np.array_equal(matrix, np.eye(3)):
        return source, ~hole
    zoom = np.diag([scale, scale, 1.0])
    full = np.linalg.inv(zoom) @ matrix @ zoom
    image = cv2.warpPerspective(source, full, (width, height), flags=cv2.INTER_LINEAR)
    known = cv2.warpPerspective((~hole).astype(np.uint8) * 255, full, (width, height)) == 255
    return image, known


def find_difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Largest difference of the channels (H, W) uint8 of two images (H, W, 3) uint8."""
    return take_largest(cv2.absdiff(first, second))


def take_largest(channels: np.ndarray) -> np.ndarray:
    """Largest of three channels (H, W, 3) -> (H, W); ten times as fast as numpy's max over them."""
    return cv2.max(cv2.max(channels[..., 0], channels[..., 1]), channels[..., 2])


def take_median(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Median over the known of N values of K pixels: (N, K, 3) uint8, (N, K) bool -> (K, 3)."""
    counts = known.sum(0)
    ordered = sort_stack(np.where(known[..., None], values, np.uint8(255)))
    columns = np.arange(values.shape[1])
    low = ordered[np.maximum(counts - 1, 0) // 2, columns].astype(np.uint16)
    high = ordered[counts // 2, columns]
    return ((low + high + 1) // 2).astype(np.uint8)


def sort_stack(values: np.ndarray) -> np.ndarray:
    """Sort N arrays (N, ...) along the first axis, in place, and return them.

    Knuth's merge exchange (The Art of Computer Programming, 5.2.2 M): whole arrays are compared at
    once, several times as fast as numpy's sort of many short columns.
    """
    largest = step = 1 << max(0, (len(values) - 1).bit_length() - 1)
    while step:
        size, remainder, distance = largest, 0, step
        while True:
            for n in range(len(values) - distance):
                if n & step == remainder:
                    low = np.minimum(values[n], values[n + distance])
                    np.maximum(values[n], values[n + distance], out=values[n + distance])
                    values[n] = low
            if size == step:
                break
            distance, size, remainder = size - step, size // 2, step
        step //= 2
    return values
