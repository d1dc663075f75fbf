"""The hole that a person leaves in an image: grown mask, shadow beside the feet, soft rim."""

from dataclasses import dataclass

import cv2
import numpy as np

from workflow_scripts.lib.images import mask_box

FEET = 0.15  # lowest share of a figure: beside it lies its shadow
SHADOW_REACH = 1.0  # of a figure's height: how far off its shadow is looked for
SHADOW_LIGHT = 0.94  # a shadow is darker than the same ground in other images times this
# Of a figure's height: how far sideways, and up and down, what changes is theirs
REACH = (1.0, 0.5)
SEAM_PX = 3  # inside the rim of the hole, new pixels blend into the old ones
MAX_KERNEL_PX = 12  # larger dilations are done on a smaller copy


@dataclass(frozen=True)
class Areas:
    """Where the people of one image are: (H, W) bool each."""

    person: np.ndarray  # their masks
    hole: np.ndarray  # the masks, grown: what is taken out
    ground: np.ndarray  # beside it: where their shadows may lie
    near: np.ndarray  # wide round it: what is there for a while only is theirs


def find_feet(mask: np.ndarray) -> np.ndarray | None:
    """The lowest part of a figure (H, W) bool; None when it leaves the image at the bottom."""
    _, top, _, bottom = mask_box(mask)
    if bottom >= len(mask) - 1:
        return None
    feet = mask.copy()
    feet[: int(bottom - FEET * (bottom - top))] = False
    return feet


def find_cut(mask: np.ndarray, reach_px: int) -> np.ndarray:
    """Where the image's edge cuts a figure (H, W) bool: there a net sees its mask end."""
    cut = mask.copy()
    cut[reach_px:-reach_px, reach_px:-reach_px] = False
    return cut


def dilate_masks(masks: list[np.ndarray], grow_px: int, shadow: float) -> Areas:
    """Join the masks (H, W) of one frame: the hole, and where shadows may lie beside it.

    A mask is widened by `grow_px` all round, and at its feet by `shadow` times the figure's height
    sideways, half of that down.
    """
    person = np.any(masks, axis=0)
    hole, ground, near = dilate(person, grow_px, grow_px), np.zeros_like(person), person.copy()
    for mask in masks:
        _, top, _, bottom = mask_box(mask)
        hole |= dilate(find_cut(mask, grow_px), 2 * grow_px, grow_px)
        near |= dilate(mask, *(round(share * (bottom - top)) for share in REACH))
        feet = find_feet(mask)
        if feet is None:
            continue
        reach_px, far_px = (round(share * (bottom - top)) for share in (shadow, SHADOW_REACH))
        hole |= dilate(feet, grow_px + reach_px, grow_px + reach_px // 2)
        ground |= dilate(feet, grow_px + far_px, grow_px + far_px // 3)
    return Areas(person, hole, ground & ~hole, near | ground)


def dilate_more(people: np.ndarray, areas: Areas, grow_px: int) -> np.ndarray:
    """People (H, W) bool outside the masks, grown as masks are."""
    more = people & ~areas.person
    return dilate(more, grow_px, grow_px) if more.any() else more


def enlarge(small: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A map (h, w) bool at the size of the image (H, W)."""
    if small.shape == shape:
        return small
    size = (shape[1], shape[0])
    return cv2.resize(small.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0


def dilate(mask: np.ndarray, x_px: int, y_px: int) -> np.ndarray:
    """Dilate by an ellipse of these radii: a kernel of N pixels reaches N // 2 far.

    Large radii are reached on a small copy, rounded up to whole small pixels: the cost of a kernel
    grows with its area.
    """
    shrink = max(1, max(x_px, y_px) // MAX_KERNEL_PX)
    size = (-(-mask.shape[1] // shrink), -(-mask.shape[0] // shrink))
    kernel_px = tuple(2 * -(-px // shrink) + 1 for px in (x_px, y_px))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, kernel_px)
    if shrink == 1:
        return cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)
    small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    wide = cv2.dilate(small.astype(np.uint8), kernel)
    return cv2.resize(wide, mask.shape[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)


def find_shadow(
    image: np.ndarray, plate: np.ndarray, hole: np.ndarray, ground: np.ndarray
) -> np.ndarray:
    """Ground (H, W) bool that is darker than the plate shows it, where that touches the hole."""
    mean = np.full((1, 3), 1 / 3, np.float32)
    light, plate_light = (cv2.transform(p.astype(np.float32), mean) for p in (image, plate))
    darker = ground & (light < SHADOW_LIGHT * plate_light - 2)
    darker = cv2.morphologyEx(darker.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
    return grow_touching(darker, hole) & ground


def grow_touching(parts: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The parts (H, W) that touch the hole, with their soft rim, and room for the seam."""
    _, numbers = cv2.connectedComponents(parts | hole.astype(np.uint8))
    touching = np.isin(numbers, np.unique(numbers[hole])) & (parts > 0)
    return dilate(touching, SEAM_PX + 2, SEAM_PX + 2)


def blend_seam(image: np.ndarray, filled: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Let the rim of the filled hole run into the image; nothing outside the hole changes."""
    depth = cv2.distanceTransform(np.pad(hole, 1, "edge").astype(np.uint8), cv2.DIST_L2, 3)
    rim = hole & (depth[1:-1, 1:-1] <= SEAM_PX)
    share = depth[1:-1, 1:-1][rim, None] / (SEAM_PX + 1)
    blended = np.where(hole[..., None], filled, image)
    blended[rim] = np.rint(filled[rim] * share + image[rim] * (1 - share)).astype(np.uint8)
    return blended
