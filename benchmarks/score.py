"""How right the results of the measured tools are."""

import json
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from workflow_scripts.film.near_hashes import find_pairs

NEAR_FRAMES = 2  # a hard cut must be found this exactly; half a dissolve otherwise
NEAR_DISSOLVE = 12
Pairs = set[tuple[str, str]]


def score_shots(found: Iterable[int], truth: pd.DataFrame) -> tuple[float, float]:
    """F1 of all boundaries and recall of those that are no hard cuts (nan where there are none).

    `truth` has frame_no and transition of every shot; each boundary is matched once.
    """
    wanted = truth[truth["transition"] != "start"]
    free, hits = sorted(found), []
    claimed = len(free)
    for row in wanted.itertuples():
        room = NEAR_FRAMES if row.transition == "cut" else NEAR_DISSOLVE
        near = [frame for frame in free if abs(frame - row.frame_no) <= room]
        hits.append(bool(near))
        if near:
            free.remove(min(near, key=lambda frame: abs(frame - row.frame_no)))
    soft = np.array(hits)[(wanted["transition"] != "cut").to_numpy()]
    f1 = 2 * sum(hits) / max(1, claimed + len(wanted))
    return f1, float(soft.mean()) if len(soft) else float("nan")


def read_cuts(out: Path) -> list[int]:
    """Where shots begin, as one of the tools left it."""
    if (cuts := out / "cuts.json").is_file():
        return json.loads(cuts.read_text(encoding="utf-8"))
    return pd.read_parquet(out / "shots.parquet")["first_frame_no"].tolist()[1:]


def read_demo_truth(path: Path) -> pd.DataFrame:
    """Shots of the demo film, as score_shots wants them."""
    shots = pd.read_csv(path)
    return pd.DataFrame({"frame_no": shots["first_frame"], "transition": shots["transition_in"]})


def read_pairs(out: Path) -> Pairs:
    """Pairs (a < b) of files that one of the tools calls copies."""
    if (pairs := out / "pairs.json").is_file():
        return {tuple(sorted(pair)) for pair in json.loads(pairs.read_text(encoding="utf-8"))}
    frames = pd.read_parquet(out / "frames.parquet", columns=["frame_id", "source"])
    groups = pd.read_parquet(out / "groups.parquet").merge(frames, on="frame_id")
    return pair_up(groups["source"], groups["group"])


def pair_up(names: Iterable[str], labels: Iterable) -> Pairs:
    """All pairs of names with the same label."""
    groups = pd.Series(list(names)).groupby(list(labels))
    return {pair for _, group in groups for pair in combinations(sorted(group), 2)}


def score_pairs(pairs: Pairs, truth: pd.DataFrame, shots: pd.DataFrame) -> dict[str, float]:
    """Precision, and recall by kind of copy; `truth` has file, group (frame of the film), kind.

    Images of one shot may be called copies or not; those of different shots may not.
    """
    rows = truth.set_index("file")
    shot = np.searchsorted(shots["frame_no"], rows["group"], side="right")
    shot_of, group_of = dict(zip(rows.index, shot, strict=True)), rows["group"].to_dict()
    right = sum(group_of[a] == group_of[b] for a, b in pairs)
    wrong = sum(shot_of[a] != shot_of[b] for a, b in pairs)
    scores = {"precision": right / max(1, right + wrong)}
    originals = rows[rows["kind"] == "frame"].reset_index().set_index("group")["file"]
    for kind, copies in rows[rows["kind"] != "frame"].groupby("kind"):
        wanted = zip(copies.index, originals[copies["group"]], strict=True)
        scores[kind] = float(np.mean([tuple(sorted(pair)) in pairs for pair in wanted]))
    return scores


def join_chains(out: Path, radius: int = 8) -> Pairs:
    """What connected components of near hashes would call copies: why leaders are used."""
    frames = pd.read_parquet(out / "frames.parquet", columns=["source", "phash"])
    codes, code_of = np.unique(frames["phash"].to_numpy(np.uint64), return_inverse=True)
    left, right = find_pairs(codes, radius)
    graph = coo_matrix((np.ones(len(left)), (left, right)), shape=(len(codes),) * 2)
    labels = connected_components(graph, directed=False)[1]
    return pair_up(frames["source"], labels[code_of])


def score_blur(sharpness: dict[str, float], truth: pd.DataFrame) -> float:
    """Probability (AUC) that a blurred copy is called less sharp than a frame of the film."""
    values = truth["file"].map(sharpness).to_numpy()
    blurred = values[(truth["kind"] == "blurred").to_numpy()]
    sharp = values[(truth["kind"] == "frame").to_numpy()]
    less, same = blurred[:, None] < sharp, blurred[:, None] == sharp
    return float((less + 0.5 * same).mean())


def read_sharpness(out: Path) -> dict[str, float]:
    """Sharpness by file, larger is sharper."""
    if (blur := out / "blur.json").is_file():
        return json.loads(blur.read_text(encoding="utf-8"))
    frames = pd.read_parquet(out / "frames.parquet", columns=["source", "sharpness"])
    return frames.set_index("source")["sharpness"].to_dict()


def score_groups(vectors: np.ndarray, groups: np.ndarray) -> float:
    """Inertia: mean squared distance of vectors (N, D) of length 1 from the mean of their group."""
    count = np.bincount(groups)
    member = coo_matrix((np.ones(len(groups)), (groups, np.arange(len(groups)))))
    means = (member @ vectors) / count[:, None]
    return float(1 - (count * (means**2).sum(1)).sum() / len(groups))
