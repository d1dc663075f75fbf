"""Images for the page: decoded, drawn over, encoded as data URIs. Arrays are RGB."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.foreign_images import DAMAGE
from workflow_scripts.lib.images import decode, read_encoded
from workflow_scripts.lib.renewal import say_damaged
from workflow_scripts.report.page.blocks import PageImage

REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4}
REDUCED |= {8: cv2.IMREAD_REDUCED_COLOR_8, 1: cv2.IMREAD_COLOR}
PALETTE = ("#e07a3f", "#3f8fc4", "#69a84f", "#ba6dad", "#d4a72c", "#3fada8", "#d0635f", "#9182c6")
NOBODY = "#a0a0a0"
BONES = [(5, 7), (7, 9), (6, 8), (8, 10), (5, 6), (5, 11), (6, 12), (11, 12), (11, 13), (13, 15)]
BONES += [(12, 14), (14, 16), (0, 5), (0, 6)]  # pairs of COCO-17 keypoints
LEFT, RIGHT, MIDDLE = (224, 122, 63), (63, 143, 196), (236, 228, 214)  # of the character, RGB


@dataclass(frozen=True)
class Look:
    """How large galleries and their images are; an image that is shown twice is encoded once."""

    gallery_size: int
    image_px: int  # width; wider ones are shrunk
    quality: int
    page_images: dict[tuple, PageImage] = field(default_factory=dict, compare=False, repr=False)

    @property
    def max_rows(self) -> int:
        """Of a table that lists images."""
        return 100 * self.gallery_size

    @property
    def widest(self) -> int:
        """Width of the largest image that was shown as it is in its file, px."""
        return max((image.width_px for image in self.page_images.values()), default=0)

    def page_image(self, image: np.ndarray, whole_px: int = 0) -> PageImage:
        """An image that was drawn for the page, maybe on one already shrunk from `whole_px`."""
        shown = fit_width(image, self.image_px)
        whole_px = whole_px or image.shape[1]
        return PageImage(to_uri(shown, self.quality), shown.shape[1], shown.shape[0], whole_px)

    def read(self, path: Path, folder: Path, width: int = 0) -> PageImage:
        """An image file below `folder`, at most `width` (default: image_px) wide."""
        key = (path, width)
        if key not in self.page_images:
            data = read_encoded(path)
            whole_px = find_width(path, data)
            image = decode_small(path, data, width or self.image_px, whole_px)
            uri, (height, shown) = to_uri(image, self.quality), image.shape[:2]
            file = path.relative_to(folder).as_posix()
            self.page_images[key] = PageImage(uri, shown, height, whole_px, file)
        return self.page_images[key]


def pick_evenly(items: Sequence, count: int) -> list:
    """At most `count` items, spread evenly from the first to the last; always the same ones."""
    if len(items) <= count:
        return list(items)
    places = np.unique(np.linspace(0, len(items) - 1, count).round().astype(int))
    return [items[place] for place in places]


def colors(names: Sequence[str]) -> dict[str, str]:
    """A color per name, in the order given; "" is gray."""
    return {"": NOBODY} | {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}


def read_small(path: str | Path, width: int) -> np.ndarray:
    """Decode an image at the smallest JPEG scale that is still `width` wide; then shrink."""
    data = read_encoded(path)
    return decode_small(path, data, width, find_width(path, data))


def decode_small(path: str | Path, data: bytes, width: int, whole_px: int) -> np.ndarray:
    """The same of an encoded image that is `whole_px` wide."""
    scale = whole_px / max(width, 1)
    step = max((factor for factor in REDUCED if factor <= max(scale, 1)), default=1)
    return fit_width(cv2.cvtColor(decode(path, data, REDUCED[step]), cv2.COLOR_BGR2RGB), width)


def read_width(path: str | Path) -> int:
    """Width of an image file in pixels."""
    return find_width(path, read_encoded(path))


def find_width(path: str | Path, data: bytes) -> int:
    """Width of an encoded image in pixels, from its header."""
    try:
        with Image.open(io.BytesIO(data)) as header:
            return header.width
    except DAMAGE as error:
        words = f"it is no image now ({len(data):,} bytes)"
        raise CineloraError(say_damaged(path, words)) from error


def fit_width(image: np.ndarray, width: int) -> np.ndarray:
    """Shrink to `width` pixels and a height in proportion, at least 1; never enlarge."""
    height, now = image.shape[:2]
    if now <= width:
        return image
    size = (width, max(1, round(height * width / now)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def to_uri(image: np.ndarray, quality: int) -> str:
    """Encode RGB uint8 as a WebP data URI."""
    data = io.BytesIO()
    Image.fromarray(image).save(
        data, "WEBP", quality=quality, method=2
    )  # 4: 2x slower, 6 % smaller
    return "data:image/webp;base64," + base64.b64encode(data.getvalue()).decode()


def rgb(color: str) -> tuple[int, int, int]:
    """ "#e07a3f" as three numbers."""
    return tuple(bytes.fromhex(color.removeprefix("#")))


def draw_mask(image: np.ndarray, mask: np.ndarray, color: str) -> np.ndarray:
    """Tint what the mask (any size, bool) covers, and trace its edge."""
    height, width = image.shape[:2]
    small = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    tinted = image + small[..., None] * 0.45 * (np.array(rgb(color), np.float32) - image)
    return draw_edge(np.rint(tinted).astype(np.uint8), mask, color)


def draw_edge(image: np.ndarray, mask: np.ndarray, color: str) -> np.ndarray:
    """Trace the outer edge of a mask (any size, bool)."""
    height, width = image.shape[:2]
    small = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA)
    edge, _ = cv2.findContours(small, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(image.copy(), edge, -1, rgb(color), 1, cv2.LINE_AA)


def draw_skeleton(image: np.ndarray, points: np.ndarray, *, min_confidence: float) -> np.ndarray:
    """Draw COCO-17 keypoints (17, 3: x, y, confidence); unsure ones are left out, not guessed."""
    drawn, thick = image.copy(), max(2, round(image.shape[0] / 90))
    sure = points[:, 2] >= min_confidence
    places = [tuple(int(v) for v in np.rint(xy * 8)) for xy in points[:, :2]]  # 3 bits of fraction
    for a, b in BONES:
        if sure[a] and sure[b]:
            cv2.line(drawn, places[a], places[b], _side(a, b), thick, cv2.LINE_AA, 3)
    for i in np.flatnonzero(sure):
        radius = thick * (8 if i > 4 else 5)
        cv2.circle(drawn, places[i], radius, _side(i, i), -1, cv2.LINE_AA, 3)
    return drawn


def _side(a: int, b: int) -> tuple[int, int, int]:
    """Odd keypoints are the character's left, even ones the right, the nose neither."""
    if a == 0 or a % 2 != b % 2:
        return MIDDLE
    return LEFT if a % 2 else RIGHT


def crop_around(
    image: np.ndarray, box: Sequence[float], margin: float = 0.12
) -> tuple[np.ndarray, int, int]:
    """Cut a box and some margin out of an image; also its left and top."""
    x0, y0, x1, y1 = box
    pad = margin * max(x1 - x0, y1 - y0)
    height, width = image.shape[:2]
    left, top = int(np.clip(x0 - pad, 0, width - 1)), int(np.clip(y0 - pad, 0, height - 1))
    right, bottom = int(np.clip(x1 + pad, left, width)), int(np.clip(y1 + pad, top, height))
    return image[top : max(bottom, top + 1), left : max(right, left + 1)], left, top
