"""Films and images to measure on, made from Big Buck Bunny; the same on every machine.

`bbb_180s.mp4` and shorter ones are parts of the film, their packets copied. `corpus.mp4` has cuts
and dissolves at known frames: a camera that moves over stills of the film. `images/` has frames
of the film and copies of some of them, planted: `images.csv` says which show the same.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import simplejpeg

SEED = 7
BEGIN_S = 120.0  # of the parts of the film; at a keyframe
LENGTHS_S = (20, 60, 180)  # of the parts, for time against number of frames
SIZE = (1280, 720)
STILLS = 60
DISSOLVE_EVERY = 8  # shots
DISSOLVE_FRAMES = 12
SHOT_FRAMES = (36, 61)
EVERY = 6  # frames of the film per image of the folder
PLANTED = 40  # images that get copies


def make_clip(film: Path, target: Path, length_s: float) -> None:
    """Copy the packets of a part of a film, to the first keyframe after its length."""
    with av.open(str(film)) as source, av.open(str(target), "w") as copy:
        stream = source.streams.video[0]
        out = copy.add_stream_from_template(stream)
        source.seek(int(BEGIN_S / stream.time_base), stream=stream)
        first = round(BEGIN_S / stream.time_base)
        for packet in source.demux(stream):
            if packet.pts is None or packet.pts < first:
                continue
            if packet.is_keyframe and float(packet.pts * stream.time_base) >= BEGIN_S + length_s:
                break
            packet.pts, packet.dts = packet.pts - first, packet.dts - first
            packet.stream = out
            copy.mux(packet)


def read_frames(film: Path, every: int = 1) -> Iterator[tuple[int, np.ndarray]]:
    """Every so-many-th frame (RGB) with its number."""
    with av.open(str(film)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % every == 0:
                yield number, frame.to_ndarray(format="rgb24")


def move_camera(still: np.ndarray, frames: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """A camera that drifts and zooms over an image (RGB); a quarter of the shots stand still."""
    width, height = SIZE
    scale = rng.uniform(0.6, 0.9)
    speed = rng.choice([0.0, 0.3, 1.0, 2.5], p=[0.25, 0.3, 0.3, 0.15])
    step = rng.normal(0, speed, 2)
    zoom = rng.normal(0, 0.0006) * min(speed, 1)
    corner = rng.uniform(0.3, 0.7, 2) * (1 - scale) * np.array(SIZE)
    for number in range(frames):
        s = scale * (1 + zoom * number)
        x, y = corner + step * number
        matrix = np.array([[s, 0, x], [0, s, y]])
        yield cv2.warpAffine(
            still,
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )


def draw_shots(stills: list[np.ndarray]) -> Iterator[tuple[np.ndarray, str]]:
    """Frames of the corpus film; with the first of each shot: start, cut or dissolve, else ""."""
    rng = np.random.default_rng(SEED)
    tail = None
    for number, still in enumerate(stills):
        dissolves = number % DISSOLVE_EVERY == DISSOLVE_EVERY - 1
        frames = int(rng.integers(*SHOT_FRAMES))
        for place, image in enumerate(move_camera(still, frames, rng)):
            if dissolves and place < DISSOLVE_FRAMES:
                share = (place + 1) / (DISSOLVE_FRAMES + 1)
                image = cv2.addWeighted(image, share, tail, 1 - share, 0)
            begins = "dissolve" if dissolves else "cut" if number else "start"
            yield image, "" if place else begins
        tail = image


def make_film(source: Path, target: Path) -> None:
    """Encode the corpus film and write its truth beside it (frame_no, transition)."""
    frames = [image for _, image in read_frames(source, 4320 // STILLS)][:STILLS]
    rows = []
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "20", "preset": "fast"})
        (stream.width, stream.height), stream.pix_fmt = SIZE, "yuv420p"
        for number, (image, begins) in enumerate(draw_shots(frames)):
            if begins:
                rows.append((number, begins))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    write_csv(target.with_suffix(".csv"), ("frame_no", "transition"), rows)


def write_csv(path: Path, names: tuple[str, ...], rows: list[tuple]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])


def change(image: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Copies (RGB) of an image, by what was done to them."""
    width, height = SIZE
    floats = image.astype(np.float32)
    titled = image.copy()
    for color, thick in ((0, 9), (255, 3)):
        cv2.putText(titled, "This is a subtitle.", (330, 670), 0, 1.6, (color,) * 3, thick)
    return {
        "reencoded": image,
        "half": cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA),
        "brighter": np.clip(floats * 1.15 + 6, 0, 255).astype(np.uint8),
        "noise": np.clip(floats + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8),
        "subtitle": titled,
        "mirrored": np.ascontiguousarray(image[:, ::-1]),
        "blurred": cv2.GaussianBlur(image, (0, 0), 3),
    }


def make_images(film: Path, folder: Path) -> None:
    """Write the folder of JPEGs and `images.csv`: file, group (what it shows), kind, shot."""
    rng = np.random.default_rng(SEED)
    folder.mkdir(parents=True, exist_ok=True)
    rows, seen = [], list(read_frames(film, EVERY))
    planted = {number for number, _ in seen[:: len(seen) // PLANTED]}
    for number, image in seen:
        save(folder / f"f{number:06d}.jpg", image, 93)
        rows.append((f"f{number:06d}.jpg", number, "frame"))
        for kind, copy in change(image, rng).items() if number in planted else ():
            name = f"g{number:06d}_{kind}.jpg"
            save(folder / name, copy, 40 if kind == "reencoded" else 93)
            rows.append((name, number, kind))
    write_csv(folder.with_suffix(".csv"), ("file", "group", "kind"), rows)


def save(path: Path, image: np.ndarray, quality: int) -> None:
    path.write_bytes(
        simplejpeg.encode_jpeg(image, quality=quality, colorspace="RGB", colorsubsampling="420")
    )


def make_all(film: Path, work: Path) -> None:
    """Make whatever is missing."""
    work.mkdir(parents=True, exist_ok=True)
    for seconds in LENGTHS_S:
        if not (part := work / f"bbb_{seconds}s.mp4").is_file():
            make_clip(film, part, seconds)
    longest = work / f"bbb_{LENGTHS_S[-1]}s.mp4"
    if not (work / "corpus.csv").is_file():
        make_film(longest, work / "corpus.mp4")
    if not (work / "images.csv").is_file():
        make_images(longest, work / "images")
