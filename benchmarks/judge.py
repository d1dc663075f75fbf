"""How right the measured tools were: tables for results.md."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.codes import make_vectors
from benchmarks.measure import HERE, OUT, WORK
from benchmarks.ours import read_options
from benchmarks.score import (
    join_chains,
    read_cuts,
    read_demo_truth,
    read_pairs,
    read_sharpness,
    score_blur,
    score_groups,
    score_pairs,
    score_shots,
)
from benchmarks.tables import table
from workflow_scripts.film.dedup_frames import COLUMNS, group_frames
from workflow_scripts.lib.manifest import read_manifest

FILMS = {"film_180s": "Big Buck Bunny, 3 min", "demo": "demo film", "corpus": "corpus film"}


def list_shots() -> str:
    """F1 of shot boundaries, ours beside PySceneDetect's."""
    truths = {
        "film_180s": pd.read_csv(HERE / "bbb_3min_shots.csv"),
        "demo": read_demo_truth(Path("resources/demo_film/truth/shots.csv")),
        "corpus": pd.read_csv(WORK / "corpus.csv"),
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
    truth = pd.read_csv(WORK / "images.csv")
    shots = pd.read_csv(HERE / "bbb_3min_shots.csv")
    tools = ("duplicates", "imagededup", "imagehash", "cleanvision")
    found = {tool: read_pairs(OUT / f"images_{tool}") for tool in tools}
    found["near hashes joined to chains"] = join_chains(OUT / "images_duplicates")
    scores = {tool: score_pairs(pairs, truth, shots) for tool, pairs in found.items()}
    names = list(scores["duplicates"])
    rows = [[tool, *(f"{score[name]:.2f}" for name in names)] for tool, score in scores.items()]
    return table(["tool", *names], rows)


def list_blur() -> str:
    """AUC of the blur measures."""
    truth = pd.read_csv(WORK / "images.csv")
    tools = {
        "sharpness of extract_frames": "images_extract",
        "cleanvision": "images_cleanvision",
    }
    aucs = {label: score_blur(read_sharpness(OUT / name), truth) for label, name in tools.items()}
    return table(["measure", "AUC"], [[label, f"{auc:.3f}"] for label, auc in aucs.items()])


def list_lost() -> str:
    """Images that are copies, and shots that keep none, at 6 images a second."""
    options, rows = read_options("dedup_frames"), []
    radii = options["max_distance_within_shot"], options["max_distance_across_shots"]
    for name, film in FILMS.items():
        frames = read_manifest(OUT / f"{name}_extract" / "frames.parquet", COLUMNS)
        groups = group_frames(frames, *radii, options["max_change"])
        has_image, keeps = frames["file"] != "", groups["is_keeper"]
        lost = set(frames["shot_id"][has_image]) - set(frames["shot_id"][keeps])
        rows.append([film, len(frames), (~has_image).sum(), (has_image & ~keeps).sum()])
        rows[-1] += [frames["shot_id"].nunique(), len(lost)]
    names = ["film", "frames", "held", "copies", "shots", "shots without an image of their own"]
    return table(names, rows)


def list_groups() -> str:
    """How tight the groups of vectors are, and how many."""
    rows = []
    for label, name in {"leaders": "vectors_group", "faiss k-means": "vectors_kmeans"}.items():
        groups = np.unique(np.load(OUT / name / "groups.npy"), return_inverse=True)[1]
        inertia = score_groups(make_vectors(len(groups)), groups)
        rows.append([label, groups.max() + 1, f"{inertia:.3f}"])
    return table(["by", "groups", "inertia"], rows)
