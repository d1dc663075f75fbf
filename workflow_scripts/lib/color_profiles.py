"""Color profiles (ICC) of images that people bring: brought to sRGB, as viewers show them.

Nearly every profile is sRGB's own; such an image is left as it is.
"""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}  # color space -> Pillow's mode
TOLERANCE = 3  # levels: another sRGB, such as a version 4 profile, differs by less
PROBES = np.stack(np.meshgrid(*[np.arange(0, 256, 51)] * 3), -1).reshape(1, -1, 3).astype(np.uint8)


class ProfileError(Exception):
    """A profile that cannot be read, or is for other images than the one it lies in."""


@lru_cache(maxsize=32)  # a folder has a handful of profiles, each in thousands of images
def find_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """How colors of a profile become sRGB; None where they are sRGB already.

    Raises ProfileError.
    """
    try:
        opened = ImageCms.getOpenProfile(io.BytesIO(profile))
        if MODES.get(opened.profile.xcolor_space) != mode:
            raise ProfileError(f"for {opened.profile.xcolor_space.strip()}, not for {mode}")
        target = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(opened, target, mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError) as error:  # the last: no text in its header
        raise ProfileError("damaged") from error
    return transform if _changes_colors(transform, mode) else None


def changes_colors(profile: bytes, mode: str) -> bool:
    """Whether an image with this profile looks otherwise than its plain levels, or may do so."""
    try:
        return bool(profile) and find_transform(profile, mode) is not None
    except ProfileError:
        return True  # apply_profile says so


def apply_profile(image: Image.Image) -> tuple[Image.Image, str]:
    """An image (RGB, L, CMYK or LAB) in sRGB, and why its profile was not used, or ""."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image, ""
    try:
        transform = find_transform(profile, image.mode)
    except ProfileError as error:
        return image, f"its color profile is {error}, and is not used"
    return (ImageCms.applyTransform(image, transform) if transform else image), ""


def _changes_colors(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    if mode not in ("RGB", "L"):
        return True
    probes = Image.fromarray(PROBES if mode == "RGB" else np.ascontiguousarray(PROBES[..., 0]))
    shown = np.asarray(ImageCms.applyTransform(probes, transform)).astype(int)
    return bool(np.abs(shown - np.asarray(probes.convert("RGB"))).max() > TOLERANCE)
