"""Write results.md and time_by_frames.svg from the runs."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl
import pandas as pd

from benchmarks.corpus import LENGTHS_S
from benchmarks.explain import FRAMES_PER_S, explain, explain_images
from benchmarks.judge import list_blur, list_duplicates, list_groups, list_lost, list_shots
from benchmarks.measure import HERE, PEERS
from benchmarks.peers import FAISS_SHARE
from benchmarks.tables import table

mpl.use("svg")
from matplotlib import pyplot as plt  # noqa: E402  (after the choice of a backend)

OURS = ("av", "simplejpeg", "opencv-python-headless", "numpy", "numba")
LINES = {  # of the image: what is drawn, its label, color
    "ffmpeg": ("ffmpeg, every frame to JPEG", "#b0b0b0"),
    "extract": ("extract_frames, 6 images a second", "#1b6ca8"),
    "extract_1": ("extract_frames, 1 image a second", "#63a7d9"),
    "scenedetect": ("PySceneDetect, shots only", "#d98a3d"),
    "decode_film": ("decoding alone", "#404040"),
}
# BARS: ours, the floor or the peer it is divided by, and the most that the ratio may be;
# PEER_BARS: a peer, ours, and the least that it is to be. "a - b" is what a takes more than b.
FURTHER = "film_180s_decode_film - film_60s_decode_film"
CORPUS, SCENES = "corpus_decode_film", "corpus_scenedetect"
LESS = " - vectors_vectors"  # what both make before they group
ONE, SIX = "film_180s_extract_1", "film_180s_extract"
BARS = [
    ("extract_frames, 6 a second (default)", SIX, "film_180s_decode_film", 1.25),
    ("the same, each further second of film", f"{SIX} - film_60s_extract", FURTHER, 1.25),
    ("extract_frames, 1 a second (as for `bbb`)", ONE, "film_180s_decode_film", 1.25),
    ("the same, each further second of film", f"{ONE} - film_60s_extract_1", FURTHER, 1.25),
    ("extract_frames on the corpus film, 6 a second", "corpus_extract", CORPUS, 1.25),
    ("extract_frames on the corpus film, 1 a second", "corpus_extract_1", CORPUS, 1.25),
    ("extract_frames on JPEGs", "images_extract", "images_decode_images", 1.8),
    ("extract_frames, 1 a second", ONE, "film_180s_scenedetect", 1.05),
    ("extract_frames on the corpus film, 1 a second", "corpus_extract_1", SCENES, 1.05),
    ("extract_frames on the corpus film, 6 a second", "corpus_extract", SCENES, 1.05),
]
PEER_BARS = [
    ("ffmpeg, every frame to JPEG", "film_180s_ffmpeg", SIX, 2.8),
    ("ffmpeg, every frame to JPEG", "film_180s_ffmpeg", ONE, 2.8),
    ("ffmpeg, every frame of the corpus film", "corpus_ffmpeg", "corpus_extract", 2.8),
    ("cleanvision, all issues", "images_cleanvision", "images_extract", 18),
    ("imagededup PHash", "images_imagededup", "images_duplicates", 6.5),
    ("imagehash, loop over pairs", "images_imagehash", "images_duplicates", 5),
    ("faiss IndexBinaryFlat, 1 million", "codes_faiss", "codes_search", 70),
    ("faiss k-means, 100,000 x 768", f"vectors_kmeans{LESS}", f"vectors_group{LESS}", 1.5),
]


def read_runs(record: Path) -> pd.DataFrame:
    """Median CPU seconds, largest memory and number of runs, by name of the command."""
    runs = pd.DataFrame(map(json.loads, record.read_text(encoding="utf-8").splitlines()))
    whole = runs["cpu_s"].where(runs["what"] != "faiss", runs["cpu_s"] * FAISS_SHARE)
    named = runs.assign(cpu_s=whole).groupby("name")
    return named.agg(
        cpu_s=("cpu_s", "median"),
        least_s=("cpu_s", "min"),
        most_s=("cpu_s", "max"),
        memory_mb=("memory_mb", "max"),
        runs=("cpu_s", "size"),
        script=("script", "first"),
        what=("what", "first"),
        source=("source", "first"),
    )


def cost(cpu: pd.Series, names: str) -> float:
    """CPU seconds of a command, or by how much those of "one - other" differ."""
    first, *other = names.split(" - ")
    return cpu[first] - (cpu[other[0]] if other else 0)


def list_bars(runs: pd.DataFrame) -> str:
    """Every bar with its ratio, and whether it was reached."""
    cpu, rows = runs["cpu_s"], []
    for label, ours, floor, bar in BARS:
        ratio = cost(cpu, ours) / cost(cpu, floor)
        rows.append([label, floor, f"{ratio:.2f}", f"≤ {bar}", "yes" if ratio <= bar else "**no**"])
    for label, peer, ours, bar in PEER_BARS:
        ratio = cost(cpu, peer) / cost(cpu, ours)
        rows.append([label, ours, f"{ratio:.1f}", f"≥ {bar}", "yes" if ratio >= bar else "**no**"])
    return table(["what", "divided by", "ratio", "bar", "reached"], rows)


def show_memory(memory_mb: float) -> str:
    return "–" if pd.isna(memory_mb) else f"{memory_mb:.0f}"


def list_runs(runs: pd.DataFrame) -> str:
    """Every command with its figures."""
    rows = []
    for name, run in runs.iterrows():
        start = "python -m benchmarks.ours" if run["script"] == "ours" else "peers.py"
        command = f"`{start} {run['what']} {run['source']}`"
        cpu = f"{run['cpu_s']:.2f} ({run['least_s']:.2f} to {run['most_s']:.2f})"
        rows.append([name, cpu, show_memory(run["memory_mb"]), run["runs"], command])
    return table(["name", "CPU s, median (range)", "most MB", "runs", "command"], rows)


def draw_times(runs: pd.DataFrame, path: Path) -> None:
    """CPU seconds against frames, one line a tool."""
    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    frames = [seconds * FRAMES_PER_S for seconds in LENGTHS_S]
    for what, (label, color) in LINES.items():
        times = [runs["cpu_s"][f"film_{seconds}s_{what}"] for seconds in LENGTHS_S]
        axes.plot(frames, times, "o-", color=color, label=label, linewidth=2, markersize=4)
    axes.set(xlabel="frames of 1280x720", ylabel="CPU seconds", xlim=0, ylim=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def name_versions() -> str:
    ours = ", ".join(f"{name} {version(name)}" for name in OURS)
    peers = [line.strip() for line in (HERE / "peers.txt").read_text(encoding="utf-8").splitlines()]
    peers = ", ".join(line for line in peers if line and not line.startswith("#"))
    python = subprocess.run([str(PEERS), "-V"], capture_output=True, text=True, check=True)
    return f"{platform.python_version()} with {ours}; peers: {python.stdout.strip()} with {peers}"


def write_results(record: Path) -> None:
    """results.md and its image, beside this file."""
    runs = read_runs(record)
    draw_times(runs, HERE / "time_by_frames.svg")
    memory = ", ".join(
        f"{s} s: {runs['memory_mb'][f'film_{s}s_extract']:.0f} MB" for s in LENGTHS_S
    )
    text = (HERE / "results_template.md").read_text(encoding="utf-8")
    (HERE / "results.md").write_text(
        text.format(
            date=f"{datetime.now(UTC):%Y-%m-%d}",
            cores=os.cpu_count(),
            versions=name_versions(),
            bars=list_bars(runs),
            shots=list_shots(),
            duplicates=list_duplicates(),
            lost=list_lost(),
            groups=list_groups(),
            blur=list_blur(),
            memory=memory,
            profile=explain(runs),
            images=explain_images(runs),
            runs=list_runs(runs),
        ),
        encoding="utf-8",
    )
