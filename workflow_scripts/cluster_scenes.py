"""Group shots into places, near-identical backgrounds into views, and judge each clean background.

Reads the vectors and measures of the clean backgrounds and the film's text; leaves one row per
picture. A place is a group of shots whose backgrounds look alike once what the whole film has in
common is taken off; shots near each other in the film are more likely one place (a scene is shot
from several sides). Time of day and camera therefore do not part a place, as long as neither does
so everywhere. A film that never leaves one place is cut into its corners: naming them alike joins
them.

People correct it in config/reviews/{film}/locations.csv (columns frame_id, location): the place
that holds the frame takes the name; where one place holds frames of several names, its shots go to
the named shot that they resemble most. One name in several places joins them.
"""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase

LOCATIONS = pa.schema(
    [
        ("frame_id", pa.string()),
        ("location", pa.string()),  # "plaza" where a person named it, else "place_03"; "" for cards
        ("location_score", pa.float32()),  # how well the shot fits its place, 0 to 1
        ("view_group", pa.string()),  # frame_id of the keeper of near-identical backgrounds
        ("is_view_keeper", pa.bool_()),
        ("reason", pa.string()),  # why its background is no good; "" when it is
    ]
)
FRAME_COLUMNS = ["frame_id", "shot_id", "file", "fade", "sharpness"]
MEASURES = ["frame_id", "covered", "filled", "leftover", "moving"]
CARD_KINDS = ["title", "credit"]
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def find_reasons(measures: pd.DataFrame, limits: dict[str, float]) -> pd.Series:
    """Why a clean background is set aside; "" where it is kept. The first reason wins."""
    values = {
        "too_much_covered": (measures["covered"], limits["max_covered"]),
        "too_much_painted": (measures["covered"] * measures["filled"], limits["max_painted"]),
        "character_left": (measures["leftover"], limits["max_leftover"]),
        "something_moving": (measures["moving"], limits["max_moving"]),
    }
    reasons = pd.Series("", index=measures.index)
    for reason, (value, limit) in values.items():
        reasons[~(value <= limit) & (reasons == "")] = reason
    return reasons


def describe_shots(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Ids (S,) and mean background vectors (S, D) of shots; painted and faded frames count little.

    `rows` has shot_id, vector, painted (share of the frame) and fade.
    """
    ids = np.sort(rows["shot_id"].unique())
    vectors = np.stack(rows["vector"].to_numpy()).astype(np.float64)
    weights = (1.01 - rows["painted"].to_numpy()) * np.where(rows["fade"], 0.01, 1.0)
    shots = np.searchsorted(ids, rows["shot_id"])
    sums = np.zeros((len(ids), vectors.shape[1]))
    np.add.at(sums, shots, vectors * weights[:, None])
    return ids, unit(sums)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale rows to length 1; a row of zeros stays."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def measure_likeness(vectors: np.ndarray) -> np.ndarray:
    """Likeness (S, S) of shots, -1 to 1, after what they all have in common is taken off."""
    if len(vectors) > 2:  # of two, the common part would be all but their difference
        vectors = unit(vectors - vectors.mean(0))
    return vectors @ vectors.T


def group_shots(
    ids: np.ndarray, likeness: np.ndarray, min_likeness: float, near_bonus: float, near_shots: float
) -> np.ndarray:
    """Number the place of each shot (S,), from 0 in order of appearance (average linkage)."""
    if len(ids) < 2:
        return np.zeros(len(ids), int)
    apart = np.abs(np.subtract.outer(ids, ids))
    affinity = likeness + near_bonus * np.exp(-apart / near_shots)
    distance = np.maximum(1 + near_bonus - affinity, 0)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    labels = fcluster(tree, 1 + near_bonus - min_likeness, "distance")
    return pd.factorize(labels)[0]


def name_places(
    places: np.ndarray, likeness: np.ndarray, named: dict[int, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Names (S,) of the places, and whether a person gave them; `named`: row of a shot -> name."""
    names = np.array([f"place_{place + 1:02d}" for place in places], object)
    for place in set(places):
        rows = np.flatnonzero(places == place)
        known = [row for row in rows if row in named]
        for row in rows if known else []:
            names[row] = named.get(row) or named[max(known, key=lambda k: likeness[row, k])]
    return names, np.isin(names, list(set(named.values())))


def score_fit(names: np.ndarray, likeness: np.ndarray) -> np.ndarray:
    """How much more a shot is like its own place than like the next (S,), 0 to 1."""
    scores = np.ones(len(names))
    for row, name in enumerate(names):
        own = likeness[row, (names == name) & (np.arange(len(names)) != row)]
        others = [likeness[row, names == other].mean() for other in set(names) - {name}]
        inside = own.mean() if len(own) else 1.0
        scores[row] = inside - max(others) if others else 1.0
    return np.clip(scores, 0, 1)


def group_views(
    vectors: np.ndarray, places: np.ndarray, order: np.ndarray, min_likeness: float
) -> np.ndarray:
    """Row of the keeper (N,) of each background: the first in `order` of one place that is alike.

    Leader clustering, so groups do not chain: every row is that much alike with its keeper.
    """
    keepers = np.full(len(vectors), -1)
    for place in pd.unique(places):
        leaders: list[int] = []
        for row in order[places[order] == place]:
            likeness = vectors[leaders] @ vectors[row] if leaders else np.zeros(0)
            near = len(likeness) and likeness.max() >= min_likeness
            keepers[row] = leaders[int(likeness.argmax())] if near else row
            if not near:
                leaders.append(row)
    return keepers


def find_keepers(table: pd.DataFrame, same_view: float) -> np.ndarray:
    """Row (N,) of the keeper of each background; good ones go first, little painted, sharp."""
    if not len(table):
        return np.zeros(0, int)
    worst_last = np.lexsort([-table["sharpness"], table["painted"], table["reason"] != ""])
    vectors = np.stack(table["vector"].to_numpy())
    return group_views(vectors, table["location"].to_numpy(), worst_last, same_view)


def read_names(review: list[str], shots: pd.Series) -> dict[int, str]:
    """Names by shot_id from the review file, if there is one; `shots` maps frame_id to shot_id."""
    if not review:
        return {}
    rows = pd.read_csv(review[0], dtype=str, keep_default_na=False)
    if missing := {"frame_id", "location"} - set(rows.columns):
        raise CineloraError(f"{review[0]} has no column {', '.join(sorted(missing))}.")
    strange = [frame for frame in rows["frame_id"] if frame not in shots.index]
    bad = [name for name in rows["location"] if not NAME.fullmatch(name)]
    if strange or bad:
        raise CineloraError(
            f"{review[0]}: "
            + (f"no picture of this film is called {', '.join(strange[:5])}. " if strange else "")
            + (f"{', '.join(map(repr, bad[:5]))}: use a-z, 0-9, _ and - in names." if bad else "")
        )
    return dict(zip(shots[rows["frame_id"]], rows["location"], strict=True))


def find_cards(text: pd.DataFrame, frames: pd.DataFrame) -> set[int]:
    """Shots that are title cards or credits: such text on at least half of their pictures."""
    written = frames["frame_id"].isin(text.loc[text["kind"].isin(CARD_KINDS), "frame_id"])
    share = written.groupby(frames["shot_id"]).mean()
    return set(share.index[share >= 0.5])


def join_tables(frames: str, backgrounds: list, embeddings: list) -> pd.DataFrame:
    """One row per picture: frame, measures of its background, its vector."""
    table = read_manifest(frames, FRAME_COLUMNS)
    table = table[table["file"] != ""].sort_values("frame_id")
    vectors = read_manifest(embeddings, ["image_id", "kind", "vector"])
    vectors = vectors[vectors["kind"] == "background"].drop(columns="kind")
    table = table.merge(read_manifest(backgrounds, MEASURES), on="frame_id", how="left")
    table = table.merge(vectors, left_on="frame_id", right_on="image_id", how="left")
    if table[["covered", "image_id"]].isna().any(axis=None):
        raise CineloraError(
            f"Of {len(table)} pictures, {int(table['image_id'].isna().sum())} have no vector and "
            f"{int(table['covered'].isna().sum())} no background.\n"
            "  The tables are of different runs: delete inpaint_backgrounds and embed_images."
        )
    return table.assign(painted=table["covered"] * table["filled"])


def find_places(table: pd.DataFrame, cards: set[int], named: dict, options: dict) -> pd.DataFrame:
    """Columns location, location_score by shot_id."""
    rows = table[~table["shot_id"].isin(cards)]
    if not len(rows):
        return pd.DataFrame({"location": pd.Series(dtype=str), "location_score": []})
    ids, vectors = describe_shots(rows)
    likeness = measure_likeness(vectors)
    places = group_shots(ids, likeness, **options)
    by_row = {row: named[shot] for row, shot in enumerate(ids) if shot in named}
    names, sure = name_places(places, likeness, by_row)
    scores = np.where(sure, 1.0, score_fit(names, likeness))
    return pd.DataFrame({"location": names, "location_score": scores}, index=ids)


def main(
    frames: str,
    text: str,
    backgrounds: list[str],
    embeddings: list[str],
    review: list[str],
    locations: str,
    *,
    min_likeness: float,
    near_bonus: float,
    near_shots: float,
    same_view: float,
    limits: dict[str, float],
) -> Counts:
    """Write place, view and reason of every picture."""
    table = join_tables(frames, backgrounds, embeddings)
    cards = find_cards(read_manifest(text, ["frame_id", "kind"]), table)
    named = read_names(review, table.set_index("frame_id")["shot_id"])
    options = {"min_likeness": min_likeness, "near_bonus": near_bonus, "near_shots": near_shots}
    places = find_places(table, cards, named, options)
    table["location"] = table["shot_id"].map(places["location"]).fillna("")
    table["location_score"] = table["shot_id"].map(places["location_score"]).fillna(0.0)
    table["reason"] = find_reasons(table, limits)
    keepers = find_keepers(table, same_view)
    table["view_group"] = table["frame_id"].to_numpy()[keepers]
    table["is_view_keeper"] = table["view_group"] == table["frame_id"]
    write_manifest(table[LOCATIONS.names], locations, LOCATIONS)
    sizes = places["location"].value_counts().to_dict()
    aside = table.loc[table["reason"] != "", "reason"].value_counts().to_dict()
    log.info("shots of each place: %s; backgrounds set aside: %s", sizes, aside)
    found = {"places": len(sizes), "views": int(table["is_view_keeper"].sum()), **aside}
    return Counts("pictures", len(table), len(table), found=found)


if __name__ == "__main__":
    run_phase(main, snakemake)
