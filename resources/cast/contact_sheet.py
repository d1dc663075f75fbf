"""A contact sheet of a file of a cast: `python -m cast.contact_sheet cast/cast_00000.parquet`."""

import argparse
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq

from cast.shards import decode


def make_sheet(images: list[np.ndarray], columns: int, size_px: int) -> np.ndarray:
    """Images side by side in rows of `columns`, each scaled to size_px; black at the end."""
    tiles = [
        cv2.resize(image, (size_px, size_px), interpolation=cv2.INTER_AREA) for image in images
    ]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[k : k + columns], 1) for k in range(0, len(tiles), columns)]
    return np.concatenate(rows)


def main(file: Path, count: int, columns: int, size: int, out: Path) -> None:
    table = pq.read_table(file, columns=["image"])
    step = max(1, len(table) // count)  # all characters, not the first ones' images
    images = [decode(data.as_py()) for data in table["image"][::step][:count]]
    if not images:
        raise SystemExit(f"{file} holds no image.")
    sheet = make_sheet(images, columns, size)
    cv2.imwrite(str(out), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
    print(f"{out}: {len(images)} images, {out.stat().st_size // 1000} kB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--count", type=int, default=96)
    parser.add_argument("--columns", type=int, default=12)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--out", type=Path, default=Path("contact_sheet.jpg"))
    main(**vars(parser.parse_args()))
