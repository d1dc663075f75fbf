"""Parquet files of drawn images: the bytes of image and mask, the truth, and captions.

A file appears whole or not at all, carries the settings that it was made with, and is read by
anything that reads Parquet: columns `image` (JPEG or PNG) and `mask` (PNG, the number of the person
that a pixel shows, 0 for none) beside the truth.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

JPEG_QUALITY = 95
ROW_GROUP = 96  # images that are read at once; small, for random access
WORDS = (
    "age_band", "gender", "hair_color", "hair_style", "hair_length", "eye_color", "skin_tone",
    "body_type", "dress_type", "top_color", "bottom_color", "bottom", "sleeves", "glasses", "hat",
    "beard", "scar",
)  # fmt: skip
LOOKS = pa.struct(
    [*((name, pa.string()) for name in WORDS), ("accessories", pa.list_(pa.string()))]
)
PERSON = pa.struct(
    [
        ("seed", pa.int64()),  # of the character: the same one has the same seed everywhere
        ("person", pa.uint8()),  # value in the mask
        ("visible_px", pa.float32()),
        ("box", pa.list_(pa.float32())),  # x0, y0, x1, y1 in pixels, end excluded
        ("keypoints", pa.list_(pa.float32())),  # COCO-17 x (x, y in pixels, 1 where seen)
        ("face_box", pa.list_(pa.float32())),  # cut by nothing
        ("face_visible", pa.float32()),  # share of the face, 0 to 1
        ("head_yaw", pa.float32()),  # degrees from the lens; positive: the person's left shows
        ("head_pitch", pa.float32()),
        ("view", pa.string()),
        ("action", pa.string()),  # "unknown" where the image does not show it
        ("expression", pa.string()),  # the same
        ("intensity", pa.float32()),  # of the expression, 0 to 1.7
        ("blink", pa.bool_()),
        ("posture", pa.list_(pa.string())),
        ("parts_px", pa.map_(pa.string(), pa.float32())),  # pixels of each part that shows
        ("true", LOOKS),  # what the character is
        ("visible", LOOKS),  # the same, "unknown" where the image does not show it
    ]
)
IMAGES = pa.schema(
    [
        ("image_id", pa.string()),
        ("image", pa.binary()),
        ("mask", pa.binary()),
        ("captions", pa.list_(pa.string())),
        ("place", pa.string()),
        ("place_seed", pa.int64()),
        ("place_shown", pa.bool_()),
        ("indoor", pa.string()),
        ("time_of_day", pa.string()),
        ("weather", pa.string()),  # "unknown" indoors
        ("shot_type", pa.string()),
        ("style", pa.list_(pa.string())),  # toon, outlined
        ("background_share", pa.float32()),
        ("luma", pa.float32()),  # median of the background, 0 to 1
        ("warmth_stops", pa.float32()),  # of the background, red over blue
        ("light", pa.string()),  # words for both, "" near a limit
        ("warmth", pa.string()),
        ("people", pa.list_(PERSON)),  # the first is who the image is of
    ]
)


def encode(image: np.ndarray, kind: str) -> bytes:
    """An image (H, W, 3) RGB or (H, W) uint8 as "jpeg" or "png"."""
    suffix = {"jpeg": ".jpg", "png": ".png"}[kind]
    pixels = np.ascontiguousarray(image[..., ::-1]) if image.ndim == 3 else image
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if kind == "jpeg" else []
    return cv2.imencode(suffix, pixels, options)[1].tobytes()


def decode(data: bytes) -> np.ndarray:
    """The image of these bytes: (H, W, 3) RGB uint8, or (H, W) for a mask."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError(f"These {len(data)} bytes are no image.")
    return np.ascontiguousarray(pixels[..., ::-1]) if pixels.ndim == 3 else pixels


def write_images(rows: Sequence[Mapping], path: Path, settings: Mapping) -> None:
    """Write rows of IMAGES; the file carries the settings."""
    table = pa.Table.from_pylist(list(rows), IMAGES)
    table = table.replace_schema_metadata({"cast": json.dumps(settings, sort_keys=True)})
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    pq.write_table(table, partial, row_group_size=ROW_GROUP, compression="zstd")
    partial.replace(path)


def read_settings(path: Path) -> dict:
    """The settings that a file was made with; ValueError where it has none."""
    found = (pq.read_schema(path).metadata or {}).get(b"cast")
    if found is None:
        raise ValueError(f"{path} was not written by make_cast: it carries no settings.")
    return json.loads(found)
