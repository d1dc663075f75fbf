"""Other tools on the same files, in an environment of their own: peers.py <tool> <source> <out>."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for benchmarks.codes
THRESHOLD = 10  # bits; the default of imagededup, given to the loop over imagehash too
FAISS_SHARE = 200  # faiss compares every 200th code with all: all with all takes minutes


def write(out: str, name: str, value: object) -> None:
    Path(out, name).write_text(json.dumps(value), encoding="utf-8")


def scenedetect(source: str, out: str) -> None:
    """First frames of all shots but the first, by PySceneDetect's AdaptiveDetector."""
    from scenedetect import AdaptiveDetector, detect

    shots = detect(source, AdaptiveDetector())
    write(out, "cuts.json", [begin.frame_num for begin, _ in shots[1:]])


def ffmpeg(source: str, out: str) -> None:
    """Every frame as a JPEG."""
    import os

    import imageio_ffmpeg

    program = imageio_ffmpeg.get_ffmpeg_exe()
    options = ["-v", "error", "-y", "-i", source, "-q:v", "2", f"{out}/%06d.jpg"]
    os.execv(program, [program, *options])


def imagededup(source: str, out: str) -> None:
    """Pairs by its PHash, all at their defaults."""
    from imagededup.methods import PHash

    found = PHash(verbose=False).find_duplicates(image_dir=source)
    write(out, "pairs.json", [(a, b) for a, near in found.items() for b in near if a < b])


def imagehash(source: str, out: str) -> None:
    """Pairs by a loop over all pairs of imagehash.phash."""
    from itertools import combinations

    import imagehash
    from PIL import Image

    hashes = {path.name: imagehash.phash(Image.open(path)) for path in Path(source).iterdir()}
    pairs = combinations(sorted(hashes), 2)
    write(out, "pairs.json", [(a, b) for a, b in pairs if hashes[a] - hashes[b] <= THRESHOLD])


def cleanvision(source: str, out: str) -> None:
    """All its issues: near and exact copies, and every measure of quality."""
    from cleanvision import Imagelab

    lab = Imagelab(data_path=source)
    lab.find_issues()
    groups = [[Path(name).name for name in g] for g in lab.info["near_duplicates"]["sets"]]
    groups += [[Path(name).name for name in g] for g in lab.info["exact_duplicates"]["sets"]]
    write(out, "pairs.json", [(a, b) for group in groups for a in group for b in group if a < b])
    scores = lab.issues["blurry_score"]
    write(out, "blur.json", {Path(str(name)).name: float(score) for name, score in scores.items()})


def faiss(source: str, out: str) -> None:
    """Exact range search (IndexBinaryFlat) of a share of the codes among all."""
    import faiss

    from benchmarks.codes import make_codes

    codes = make_codes(int(source)).view("uint8").reshape(-1, 8)
    index = faiss.IndexBinaryFlat(64)
    index.add(codes)
    limits, *_ = index.range_search(codes[::FAISS_SHARE].copy(), 9)  # below 9 bits
    write(out, "pairs.json", int(limits[-1]))


def kmeans(source: str, out: str) -> None:
    """Groups of so many vectors by faiss' k-means on the sphere, 20 rounds; it is told how many."""
    import faiss
    import numpy as np

    from benchmarks.codes import GROUP, make_vectors

    vectors = make_vectors(int(source))
    count, size = vectors.shape
    tool = faiss.Kmeans(size, count // GROUP, niter=20, spherical=True, seed=7)
    tool.train(vectors)
    np.save(f"{out}/groups.npy", tool.index.search(vectors, 1)[1].ravel())


TOOLS = {
    function.__name__: function
    for function in (scenedetect, ffmpeg, imagededup, imagehash, cleanvision, faiss, kmeans)
}

if __name__ == "__main__":
    TOOLS[sys.argv[1]](*sys.argv[2:])
