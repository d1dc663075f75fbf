"""What is measured of cinelora, and the floors: python -m benchmarks.ours <what> <source> <out>."""

import json
import sys
from pathlib import Path

OPTIONS = Path(
    "config/options/film.yaml"
)  # not by plan.config, whose imports would be measured too
SIMILARITY = 0.4  # cosine: between that of two vectors of one planted group, 0.5, and of two, 0


def read_options(phase: str) -> dict:
    """A block of the config; Snakemake reads it for the phase, so the quickest reader will do."""
    import yaml

    return yaml.load(OPTIONS.read_text(encoding="utf-8"), yaml.CSafeLoader)[phase]


def extract(source: str, out: str, per_second: float | None = None) -> None:
    """The phase extract_frames on a film or a folder of images, as the config has it."""
    from workflow_scripts import extract_frames

    options = read_options("extract_frames")
    if per_second is not None:
        options["sampling"]["frames_per_second"] = per_second
    tables = [f"{out}/{name}.parquet" for name in ("frames", "shots", "problems")]
    extract_frames.main(source, *tables, f"{out}/images", **options)


def extract_1(source: str, out: str) -> None:
    """As extract, one image a second."""
    extract(source, out, 1)


def duplicates(source: str, out: str) -> None:
    """The phases extract_frames and dedup_frames on a folder of images."""
    from workflow_scripts import dedup_frames

    extract(source, out)
    options = read_options("dedup_frames")
    dedup_frames.main(f"{out}/frames.parquet", f"{out}/groups.parquet", **options)


def search(source: str, out: str) -> None:
    """Pairs within 8 bits among so many distinct random codes with planted neighbors."""
    from benchmarks.codes import make_codes
    from workflow_scripts.film.near_hashes import find_pairs

    pairs = len(find_pairs(make_codes(int(source)), 8)[0])
    Path(out, "pairs.json").write_text(json.dumps(pairs), encoding="utf-8")


def group(source: str, out: str) -> None:
    """Groups of so many vectors, by leaders, as cluster_scenes makes them of views and shots."""
    import numpy as np

    from benchmarks.codes import make_vectors
    from workflow_scripts.film.places.views import group_views

    count = int(source)
    np.save(f"{out}/groups.npy", group_views(make_vectors(count), np.arange(count), SIMILARITY))


def vectors(source: str, out: str) -> None:
    """What making the vectors costs; both groupings begin with it."""
    from benchmarks.codes import make_vectors

    make_vectors(int(source))


def decode_film(source: str, out: str) -> None:
    """Floor: decode every frame, look at none."""
    import av

    with av.open(source) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "AUTO", 2
        count = sum(1 for _ in container.decode(stream))
    Path(out, "frames.json").write_text(json.dumps(count), encoding="utf-8")


def decode_images(source: str, out: str) -> None:
    """Floor: decode every JPEG at an eighth of its size, look at none."""
    import simplejpeg

    for path in sorted(Path(source).iterdir()):
        simplejpeg.decode_jpeg(path.read_bytes(), "GRAY", min_height=64, min_width=64)


def start(source: str, out: str) -> None:
    """Floor: what the phase imports for a film."""
    import workflow_scripts.film.decoding.video_pass  # noqa: F401


def parts(source: str, out: str) -> None:
    """CPU milliseconds of each step that follows decoding, on frames of the film, one thread."""
    from benchmarks.parts import time_parts

    Path(out, "parts.json").write_text(
        json.dumps(time_parts(Path(source), Path(out))), encoding="utf-8"
    )


def image_parts(source: str, out: str) -> None:
    """CPU milliseconds of each step on images of the folder, one thread."""
    from benchmarks.parts import time_image_parts

    Path(out, "parts.json").write_text(
        json.dumps(time_image_parts(Path(source), Path(out))), encoding="utf-8"
    )


def write_memory(out: str) -> None:
    """Most memory (MB) of this process so far; that of wait4 would begin with its parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak_kb = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    Path(out, "memory.json").write_text(json.dumps(int(peak_kb) / 1024), encoding="utf-8")


WHAT = {
    function.__name__: function
    for function in (
        extract,
        extract_1,
        duplicates,
        search,
        group,
        vectors,
        decode_film,
        decode_images,
        start,
        parts,
        image_parts,
    )
}

if __name__ == "__main__":
    WHAT[sys.argv[1]](*sys.argv[2:])
    write_memory(sys.argv[3])
