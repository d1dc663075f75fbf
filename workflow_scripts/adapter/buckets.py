"""Sizes of training images: buckets of about one area, and the one nearest to a shape."""

import math
from collections.abc import Sequence

from workflow_scripts.lib.errors import CineloraError


def make_buckets(resolution_px: int, step_px: int) -> list[tuple[int, int]]:
    """Sizes (width, height) of at most resolution² area whose sides are multiples of the step.

    As kohya's trainer makes them, with sides from half to twice the resolution.
    """
    if resolution_px < step_px:
        raise CineloraError(
            f"adapter resolution_px is {resolution_px}: sides of images for this base are\n"
            f"  multiples of {step_px} px. Give at least {step_px}, better native."
        )
    area, square = resolution_px**2, resolution_px // step_px * step_px
    smallest = max(step_px, resolution_px // 2 // step_px * step_px)
    sizes = {(square, square)}
    for width in range(smallest, 2 * resolution_px + 1, step_px):
        height = min(2 * resolution_px, area // width // step_px * step_px)
        if height >= smallest:
            sizes |= {(width, height), (height, width)}
    return sorted(sizes)


def choose_bucket(width: int, height: int, buckets: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The bucket of the nearest shape; the larger one of equals."""
    shape = math.log(width / height)
    return min(buckets, key=lambda size: (abs(math.log(size[0] / size[1]) - shape), -size[0]))
