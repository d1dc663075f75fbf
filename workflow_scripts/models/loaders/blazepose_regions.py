"""Where a BlazePose net looks: square, turned regions, and the anchors that lead to them.

A region is (center x, center y, side, angle): a square in pixels of the image, turned clockwise
by `angle` radians so that the body stands upright in it. It comes from two points, the middle of
the hips and a point on the circle around the whole body, also where it leaves the image.
"""

import cv2
import numpy as np

from workflow_scripts.lib.images import mask_box

STRIDES = (8, 16, 32, 32, 32)  # of the detector's output layers; two anchors a cell
DETECT_PX = 224  # side of the detector's input
EDGE_FROM, SUREST = -4.0, 12.0  # mask logits: where an edge may still lie; beyond any doubt
SMOOTHNESS = 1e-4  # of the guided filter; larger follows only strong edges of the image
ENLARGE = 1.25  # the circle touches head and feet; this leaves a margin


def make_anchors() -> np.ndarray:
    """Centers (2254, 2) of the detector's anchors, in pixels of its input."""
    layers = []
    for stride in STRIDES:
        cells = DETECT_PX // stride
        y, x = np.mgrid[:cells, :cells]
        centers = (np.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride
        layers.append(np.repeat(centers, 2, axis=0))
    return np.concatenate(layers).astype(np.float32)


def points_to_regions(hips: np.ndarray, rims: np.ndarray) -> np.ndarray:
    """Regions (N, 4) from hip centers (N, 2) and points on the body's circle (N, 2)."""
    step = rims - hips
    side = 2 * np.hypot(step[:, 0], step[:, 1]) * ENLARGE
    angle = np.arctan2(step[:, 0], -step[:, 1])  # 0 where the rim point lies straight above
    return np.column_stack([hips, side, angle]).astype(np.float32)


def boxes_to_regions(boxes: np.ndarray) -> np.ndarray:
    """Upright regions around boxes (N, 4), for detectors that bring no body points."""
    boxes = np.asarray(boxes, np.float32)
    side = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) * 1.4
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.column_stack([center, side, np.zeros(len(boxes))]).astype(np.float32)


def regions_to_boxes(regions: np.ndarray, width: int, height: int) -> np.ndarray:
    """Upright squares (N, 4) inside the turned regions, clipped to the image: a first guess."""
    half = regions[:, 2:3] / 2 / ENLARGE
    boxes = np.concatenate([regions[:, :2] - half, regions[:, :2] + half], axis=1)
    return np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)


def region_matrix(region: np.ndarray, size: int) -> np.ndarray:
    """Affine (2, 3) from a net input of `size` pixels to pixels of the image."""
    x, y, side, angle = (float(value) for value in region)
    cos, sin = np.cos(angle) * side / size, np.sin(angle) * side / size
    half = size / 2
    return np.array(
        [[cos, -sin, x - half * cos + half * sin], [sin, cos, y - half * sin - half * cos]]
    )


def crop_region(image: np.ndarray, region: np.ndarray, size: int) -> np.ndarray:
    """The region as an upright (size, size, 3) image; black outside the frame."""
    scale = float(region[2]) / size
    if scale > 2:  # warpAffine samples single pixels: shrink first, or fine texture aliases
        factor = 1 / np.floor(scale)
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        region = np.array([*(np.asarray(region[:3]) * factor), region[3]])
        return crop_region(small, region, size)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        image, _pixel_centers(region_matrix(region, size)), (size, size), flags=flags
    )


def uncrop_map(
    values: np.ndarray, region: np.ndarray, width: int, height: int, outside: float
) -> np.ndarray:
    """Lay a map (S, S) of the region back over the image: (height, width) float32."""
    matrix = cv2.invertAffineTransform(region_matrix(region, len(values)))
    return cv2.warpAffine(
        values,
        _pixel_centers(matrix),
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=outside,
    )


def _pixel_centers(matrix: np.ndarray) -> np.ndarray:
    """The same map for OpenCV, whose whole numbers are centers of pixels, not their corners."""
    half = np.array([0.5, 0.5])
    return np.column_stack([matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ half - half])


def sharpen_edges(logits: np.ndarray, image: np.ndarray, radius: int) -> np.ndarray:
    """Pull the edge of a mask (H, W) to edges of the image: a guided filter on each channel.

    Only around the mask: the rest stays as it is.
    """
    x0, y0, x1, y1 = mask_box(logits > EDGE_FROM)
    part = np.s_[max(0, y0 - radius) : y1 + radius, max(0, x0 - radius) : x1 + radius]
    chances = 1 / (1 + np.exp(-np.clip(logits[part], -SUREST, SUREST)))
    guide = cv2.cvtColor(image[part], cv2.COLOR_RGB2LAB).astype(np.float32) / 255
    filtered = np.mean([_filter_by(guide[..., c], chances, radius) for c in range(3)], axis=0)
    filtered = np.clip(filtered, 1e-6, 1 - 1e-6)
    sharper = logits.copy()
    sharper[part] = np.log(filtered / (1 - filtered))
    return sharper


def _filter_by(guide: np.ndarray, values: np.ndarray, radius: int) -> np.ndarray:
    """He's guided filter: locally, the values as a linear function of the guide."""
    window = (2 * radius + 1, 2 * radius + 1)
    mean_guide, mean_values = cv2.blur(guide, window), cv2.blur(values, window)
    covariance = cv2.blur(guide * values, window) - mean_guide * mean_values
    variance = cv2.blur(guide * guide, window) - mean_guide**2
    slope = covariance / (variance + SMOOTHNESS)
    offset = mean_values - slope * mean_guide
    return cv2.blur(slope, window) * guide + cv2.blur(offset, window)
