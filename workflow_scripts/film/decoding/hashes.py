"""Perceptual hashes: the bits of imagehash.phash."""

import cv2
import numpy as np

SIDE = 32  # an image is hashed at 32x32
LOW = 8  # its 8x8 lowest frequencies give the 64 bits


def _cosines() -> np.ndarray:
    places = 2 * np.arange(SIDE) + 1
    waves = np.arange(LOW)[:, None]
    return np.cos(np.pi * places * waves / (2 * SIDE)).astype(np.float32)


COSINES = _cosines()
MIRROR = np.where(np.arange(LOW) % 2, -1, 1).astype(np.float32)  # odd waves change their sign


def hash_luma(luma: np.ndarray) -> int:
    """64-bit perceptual hash of a small luma plane (h, w) uint8; bit order of imagehash.phash."""
    return _pack(_transform(luma))


def mirror_hash(code: int, luma: np.ndarray) -> int:
    """Hash of an image's mirror image, from its own and a smaller copy of its luma (h, w) uint8.

    The copy only says which bits change, so it may be too small to give the hash itself.
    """
    low = _transform(luma)
    return code ^ _pack(low) ^ _pack(low * MIRROR)


def _transform(luma: np.ndarray) -> np.ndarray:
    small = cv2.resize(luma, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return COSINES @ small @ COSINES.T


def _pack(low: np.ndarray) -> int:
    bits = np.packbits(low.ravel() > np.median(low))
    return int.from_bytes(bits.tobytes(), "big")


def distances(codes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Bits that differ, elementwise, of two arrays of uint64."""
    return np.bitwise_count(codes ^ others)
