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
from benchmarks.measure import PEERS
from benchmarks.peers import FAISS_SHARE
from benchmarks.score import (
    join_chains,
    read_cuts,
    read_demo_truth,
    read_pairs,
    read_sharpness,
    score_blur,
    score_pairs,
    score_shots,
)

mpl.use("svg")
from matplotlib import pyplot as plt  # noqa: E402  (after the choice of a backend)

HERE = Path("benchmarks")
OUT = HERE / "scratch/out"
FRAMES_PER_S = 24

OURS = ("av", "simplejpeg", "opencv-python-headless", "numpy", "numba")
LINES = {  # of the picture: what is drawn, its label, colour
    "ffmpeg": ("ffmpeg, every frame to JPEG", "#b0b0b0"),
    "extract": ("extract_frames, 6 pictures a second", "#1b6ca8"),
    "extract_1": ("extract_frames, 1 picture a second", "#63a7d9"),
    "scenedetect": ("PySceneDetect, shots only", "#d98a3d"),
    "decode_film": ("decoding alone", "#404040"),
}
# what is compared, with what, the bar for the ratio, and whether it is a floor ("over") of ours,
# or a peer that is to take so many times as much ("under")
BARS = [
    ("extract_frames, 6 a second (default)", "film_180s_extract", "film_180s_decode_film", 1.25),
    (
        "extract_frames, 1 a second (as for `bbb`)",
        "film_180s_extract_1",
        "film_180s_decode_film",
        1.25,
    ),
    ("extract_frames on JPEGs", "pictures_extract", "pictures_decode_pictures", 1.8),
    ("extract_frames, 1 a second", "film_180s_extract_1", "film_180s_scenedetect", 1.05),
]
PEER_BARS = [
    ("ffmpeg, every frame to JPEG", "film_180s_ffmpeg", "film_180s_extract", 2.8),
    ("cleanvision, all issues", "pictures_cleanvision", "pictures_extract", 18),
    ("imagededup PHash", "pictures_imagededup", "pictures_duplicates", 6.5),
    ("imagehash, loop over pairs", "pictures_imagehash", "pictures_duplicates", 5),
    ("faiss IndexBinaryFlat, 1 million", "codes_faiss", "codes_search", 70),
]
FILMS = {"bbb_3min": "Big Buck Bunny, 3 min", "demo": "demo film", "corpus": "corpus film"}


def read_runs(record: Path) -> pd.DataFrame:
    """Median CPU seconds, largest memory and number of runs, by name of the command."""
    runs = pd.DataFrame(map(json.loads, record.read_text().splitlines()))
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


def table(names: list[str], rows: list[list]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in lines) + "\n"


def list_bars(runs: pd.DataFrame) -> str:
    """Every bar with its ratio, and whether it was reached."""
    cpu, rows = runs["cpu_s"], []
    for label, ours, floor, bar in BARS:
        ratio = cpu[ours] / cpu[floor]
        rows.append([label, floor, f"{ratio:.2f}", f"≤ {bar}", "yes" if ratio <= bar else "**no**"])
    for label, peer, ours, bar in PEER_BARS:
        ratio = cpu[peer] / cpu[ours]
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


def list_shots() -> str:
    """F1 of shot boundaries, ours beside PySceneDetect's."""
    truths = {
        "bbb_3min": pd.read_csv(HERE / "bbb_3min_shots.csv"),
        "demo": read_demo_truth(Path("resources/demo_film/truth/shots.csv")),
        "corpus": pd.read_csv(HERE / "scratch/corpus.csv"),
    }
    rows = []
    for name, truth in truths.items():
        row = [FILMS[name], (truth["transition"] != "start").sum()]
        for tool in ("extract", "scenedetect"):
            f1, soft = score_shots(read_cuts(OUT / f"{name}_{tool}"), truth)
            row += [f"{f1:.3f}", "–" if soft != soft else f"{soft:.2f}"]
        rows.append(row)
    names = ["film", "boundaries", "F1 ours", "soft found", "F1 PySceneDetect", "soft found"]
    return table(names, rows)


def list_duplicates() -> str:
    """Precision, and recall by kind of copy, of ours and the peers."""
    truth = pd.read_csv(HERE / "scratch/pictures.csv")
    shots = pd.read_csv(HERE / "bbb_3min_shots.csv")
    tools = ("duplicates", "imagededup", "imagehash", "cleanvision")
    found = {tool: read_pairs(OUT / f"pictures_{tool}") for tool in tools}
    found["near hashes joined to chains"] = join_chains(OUT / "pictures_duplicates")
    scores = {tool: score_pairs(pairs, truth, shots) for tool, pairs in found.items()}
    names = list(scores["duplicates"])
    rows = [[tool, *(f"{score[name]:.2f}" for name in names)] for tool, score in scores.items()]
    return table(["tool", *names], rows)


def list_blur() -> str:
    """AUC of the blur measures."""
    truth = pd.read_csv(HERE / "scratch/pictures.csv")
    tools = {
        "sharpness of extract_frames": "pictures_extract",
        "cleanvision": "pictures_cleanvision",
    }
    aucs = {label: score_blur(read_sharpness(OUT / name), truth) for label, name in tools.items()}
    return table(["measure", "AUC"], [[label, f"{auc:.3f}"] for label, auc in aucs.items()])


def explain(runs: pd.DataFrame) -> str:
    """The profile behind the ratios of films, from the steps timed alone."""
    parts = json.loads((OUT / "parts/parts.json").read_text())
    frames = LENGTHS_S[-1] * FRAMES_PER_S
    decode = 1000 * runs["cpu_s"]["film_180s_decode_film"] / frames
    picture = sum(parts[step] for step in ("convert", "encode", "measure", "write"))
    steps = ("convert", "encode", "measure", "write")
    shares = ", ".join(f"{step} {parts[step]:.2f}" for step in steps)
    start = runs["cpu_s"]["start"]
    once = 1000 * start + parts["bars"]
    return (
        f"Decoding takes {decode:.2f} ms a frame. Looking at a frame (small copy, shots) takes\n"
        f"{parts['look']:.2f} ms, a picture that is written {picture:.1f} ms ({shares}).\n"
        f"Once a film: {start:.2f} s to start Python and its libraries, "
        f"{parts['bars'] / 1000:.2f} s to look for bars.\n\n"
        "Against decoding, of a film of 24 frames a second:\n\n"
        + table(
            ["adds", "times decoding"],
            [
                ["looking at every frame", f"{parts['look'] / decode:.2f}"],
                ["pictures, 6 a second", f"{picture / 4 / decode:.2f}"],
                ["- of it encoding JPEGs", f"{parts['encode'] / 4 / decode:.2f}"],
                ["pictures, 1 a second", f"{picture / 24 / decode:.2f}"],
                [f"start and bars, {LENGTHS_S[-1]} s of film", f"{once / decode / frames:.2f}"],
                ["start and bars, 10 min of film", f"{once / decode / 14400:.2f}"],
            ],
        )
    )


def explain_pictures(runs: pd.DataFrame) -> str:
    """The same for a folder of JPEGs."""
    parts = json.loads((OUT / "picture_parts/parts.json").read_text())
    bars_s = parts.pop("bars") / 1000
    count = len(list((HERE / "scratch/pictures").iterdir()))
    floor = 1000 * runs["cpu_s"]["pictures_decode_pictures"] / count
    steps = ", ".join(f"{step} {spent:.2f} ms" for step, spent in parts.items())
    return (
        f"Of the folder ({count} pictures; the floor is {floor:.2f} ms each, start included):\n"
        f"{steps} a picture, and {bars_s:.2f} s once to look for bars.\n"
    )


def draw_times(runs: pd.DataFrame, path: Path) -> None:
    """CPU seconds against frames, one line a tool."""
    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    frames = [seconds * FRAMES_PER_S for seconds in LENGTHS_S]
    for what, (label, colour) in LINES.items():
        times = [runs["cpu_s"][f"film_{seconds}s_{what}"] for seconds in LENGTHS_S]
        axes.plot(frames, times, "o-", color=colour, label=label, linewidth=2, markersize=4)
    axes.set(xlabel="frames of 1280x720", ylabel="CPU seconds", xlim=0, ylim=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def name_versions() -> str:
    ours = ", ".join(f"{name} {version(name)}" for name in OURS)
    peers = [line.strip() for line in (HERE / "peers.txt").read_text().splitlines()]
    peers = ", ".join(line for line in peers if line and not line.startswith("#"))
    python = subprocess.run([str(PEERS), "-V"], capture_output=True, text=True, check=True)
    return f"{platform.python_version()} with {ours}; peers: {python.stdout.strip()} with {peers}"


def write_results(record: Path) -> None:
    """results.md and its picture, beside this file."""
    runs = read_runs(record)
    draw_times(runs, HERE / "time_by_frames.svg")
    memory = ", ".join(
        f"{s} s: {runs['memory_mb'][f'film_{s}s_extract']:.0f} MB" for s in LENGTHS_S
    )
    text = (HERE / "results_template.md").read_text()
    (HERE / "results.md").write_text(
        text.format(
            date=f"{datetime.now(UTC):%Y-%m-%d}",
            cores=os.cpu_count(),
            versions=name_versions(),
            bars=list_bars(runs),
            shots=list_shots(),
            duplicates=list_duplicates(),
            blur=list_blur(),
            memory=f"{memory}, 180 s: {runs['memory_mb']['bbb_3min_extract']:.0f} MB",
            profile=explain(runs),
            pictures=explain_pictures(runs),
            runs=list_runs(runs),
        )
    )
