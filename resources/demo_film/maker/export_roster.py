"""Cuts the reference images to roster/<character>/*.jpg: people to name from, not in the film."""

import argparse
import pathlib

import numpy as np
from PIL import Image

from maker import notation
from maker.camera import view_of
from maker.masks import read_mask
from maker.measure import box_of

MARGIN = 0.12  # of the box's longer side


def crop_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """The character's box with a margin, inside the image."""
    x0, y0, x1, y1 = box_of(mask)
    margin, (h, w) = int(MARGIN * max(x1 - x0, y1 - y0)), mask.shape
    return max(0, x0 - margin), max(0, y0 - margin), min(w, x1 + margin), min(h, y1 + margin)


def main(work: pathlib.Path, out: pathlib.Path) -> None:
    film = notation.build("reference")
    counts: dict[str, int] = {}
    for shot in film["shots"]:
        who, frame = shot["characters"][0], f"{notation.render_id(shot, 0)}.png"
        name = who["name"].lower()
        counts[name] = counts.get(name, 0) + 1
        view = view_of(who["facing"] - shot["camera"]["az"])
        label = f"{counts[name]:02d}_{shot['framing']}_{view}_{shot['time_of_day']}.jpg"
        mask = read_mask(work / "reference" / "masks" / frame) > 0
        image = Image.open(work / "reference" / "frames" / frame).convert("RGB")
        (out / name).mkdir(parents=True, exist_ok=True)
        image.crop(crop_box(mask)).save(out / name / label, quality=92)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, default="work")
    parser.add_argument("--out", type=pathlib.Path, default="roster")
    main(**vars(parser.parse_args()))
