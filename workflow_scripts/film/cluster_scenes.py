"""Group shots into places, near-identical backgrounds into views, and judge each clean background.

Reads the vectors and measures of the clean backgrounds and the film's text; leaves one row per
image. A place is a group of shots whose backgrounds look alike once what the whole film has in
common is taken off; shots near each other in the film are more likely one place (a scene is shot
from several sides). Time of day and camera therefore do not part a place, as long as neither does
so everywhere. A film that never leaves one place is cut into its corners: naming them alike joins
them.

People correct it in config/reviews/{film}/locations.csv (columns frame_id, location): the place
that holds the frame takes the name; where one place holds frames of several names, its shots go to
the named shot that they resemble most. One name in several places joins them.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_array

from workflow_scripts.film.blur import measure_blur
from workflow_scripts.film.places.views import group_views
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import read_manifest, read_vectors, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase
from workflow_scripts.lib.reviews import count_unknown, read_review

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
MEASURES = ["frame_id", "covered", "filled", "leftover", "missed", "moving"]
CARD_KINDS = ["title", "credit"]
MAX_SHOTS = 5000  # that linkage takes one by one: a film has two thousand
SIMILARITY_STEP = 0.05  # by which more shots are joined, until they are few enough
BLOCK = 4096  # shots compared at once with all places


def find_reasons(measures: pd.DataFrame, limits: dict[str, float]) -> pd.Series:
    """Why a clean background is set aside; "" where it is kept. The first reason wins."""
    checks = [
        ("too_much_covered", measures["covered"], "max_covered"),
        ("too_much_painted", measures["covered"] * measures["filled"], "max_painted"),
        ("blurred", measures["blur"], "max_blur"),  # whoever is in there, no detector tells
        ("character_left", measures["leftover"], "max_leftover"),
        ("character_left", measures["missed"], "max_missed"),
        ("something_moving", measures["moving"], "max_moving"),
    ]
    reasons = pd.Series("", index=measures.index)
    for reason, value, limit in checks:
        reasons[~(value <= limits[limit]) & (reasons == "")] = reason
    return reasons


def describe_shots(rows: pd.DataFrame, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ids (S,) and mean background vectors (S, D) of shots; painted and faded frames count little.

    `rows` has shot_id, painted (share of the frame) and fade; `vectors` (N, D) float32 are theirs.
    """
    weights = (1.01 - rows["painted"].to_numpy()) * np.where(rows["fade"], 0.01, 1.0)
    members = rows.groupby("shot_id").indices
    ids = np.array(sorted(members))
    sums = np.zeros((len(ids), vectors.shape[1]))
    for shot, shot_id in enumerate(ids):  # shot by shot: no second copy of a whole film's vectors
        where = members[shot_id]
        sums[shot] = (vectors[where] * weights[where, None]).sum(0)
    return ids, normalize(sums)


def normalize(vectors: np.ndarray) -> np.ndarray:
    """Scale rows to length 1; a row of zeros stays."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def remove_common(vectors: np.ndarray) -> np.ndarray:
    """Vectors (S, D) of shots, of length 1, after what they all have in common is taken off."""
    if len(vectors) < 3:  # of two, the common part would be all but their difference
        return vectors
    return normalize(vectors - vectors.mean(0))


def join_alike(vectors: np.ndarray, most: int) -> np.ndarray:
    """Number a group for each shot (S,), from 0 in order of appearance; at most `most` groups.

    Few shots are a group each. Of many (a folder of single images), those are one that are alike
    with its first, as much as leaves no more groups: what linkage needs grows with their square.
    """
    if len(vectors) <= most:
        return np.arange(len(vectors))
    vectors, order, similarity = vectors.astype(np.float32), np.arange(len(vectors)), 1.0
    groups = None
    while groups is None:
        similarity -= SIMILARITY_STEP
        groups = group_views(vectors, order, similarity, most)
    log.info(
        "%d shots: those alike by %.2f are one before places are found", len(order), similarity
    )
    return pd.factorize(groups)[0]


def mean_groups(groups: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Means (groups, ...) of the values (S, ...) of each group, numbered from 0."""
    sizes = np.bincount(groups)
    member = csr_array((1 / sizes[groups], (groups, np.arange(len(groups)))))
    return member @ values


def group_shots(
    ids: np.ndarray,
    similarity: np.ndarray,
    min_similarity: float,
    near_bonus: float,
    near_shots: float,
) -> np.ndarray:
    """Number the place of each shot (S,), from 0 in order of appearance (average linkage)."""
    if len(ids) < 2:
        return np.zeros(len(ids), int)
    rows = []  # of the triangle above the diagonal: half the memory of a square
    for row in range(len(ids) - 1):
        bonus = near_bonus * np.exp(-np.abs(ids[row + 1 :] - ids[row]) / near_shots)
        rows.append(np.maximum(1 + near_bonus - similarity[row, row + 1 :] - bonus, 0))
    tree = linkage(np.concatenate(rows), "average")
    labels = fcluster(tree, 1 + near_bonus - min_similarity, "distance")
    return pd.factorize(labels)[0]


def name_places(
    places: np.ndarray, vectors: np.ndarray, named: dict[int, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Names (S,) of the places, and whether a person gave them; `named`: row of a shot -> name."""
    names = np.array([f"place_{place + 1:02d}" for place in places], object)
    for place in {places[row] for row in named}:
        known = [row for row in named if places[row] == place]
        rows = np.flatnonzero(places == place)
        nearest = (vectors[rows] @ vectors[known].T).argmax(1)
        names[rows] = [named[known[choice]] for choice in nearest]
        names[known] = [named[row] for row in known]
    return names, np.isin(names, list(set(named.values())))


def score_fit(names: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """How much more a shot (S, D) is like its own place than like the next (S,), 0 to 1."""
    places, kinds = pd.factorize(names)
    if len(kinds) < 2:
        return np.ones(len(names))
    centers, scores = mean_groups(places, vectors), np.ones(len(names))
    for start in range(0, len(names), BLOCK):
        block = vectors[start : start + BLOCK]
        own = places[start : start + BLOCK]
        sizes, rows = np.bincount(places)[own], np.arange(len(block))
        similarity = block @ centers.T  # the mean similarity with the shots of each place
        others = similarity[rows, own] * sizes - (block**2).sum(1)  # itself is left out
        inside = np.where(sizes > 1, others / np.maximum(sizes - 1, 1), 1.0)
        similarity[rows, own] = -np.inf
        scores[start : start + BLOCK] = inside - similarity.max(1)
    return np.clip(scores, 0, 1)


def find_keepers(table: pd.DataFrame, vectors: np.ndarray, view_similarity: float) -> np.ndarray:
    """Row (N,) of the keeper of each background, one place at a time; see `group_views`.

    Good ones go first, little painted, sharp.
    """
    worst_last = np.lexsort([-table["sharpness"], table["painted"], table["reason"] != ""])
    keepers = np.zeros(len(table), int)
    for _, rows in pd.Series(worst_last).groupby(table["location"].to_numpy()[worst_last]):
        order = rows.to_numpy()
        keepers[order] = group_views(vectors, order, view_similarity)
    return keepers


def name_shots(review: pd.DataFrame, shots: pd.Series) -> dict[int, str]:
    """Names by shot_id from the rows of a review; `shots` maps frame_id to shot_id."""
    rows = review[review["frame_id"].isin(shots.index)]
    rows = rows.assign(shot_id=rows["frame_id"].map(shots))
    for _, shot in rows.groupby("shot_id"):
        names = shot.drop_duplicates("location")
        if len(names) > 1:
            raise CineloraError(
                f"locations.csv, lines {' and '.join(map(str, names['line']))}:\n"
                f"  {', '.join(names['frame_id'])} are of one shot, which is one place;\n"
                f"  they say {', '.join(names['location'])}. Keep one of them."
            )
    return dict(zip(rows["shot_id"], rows["location"], strict=True))


def find_cards(text: pd.DataFrame, frames: pd.DataFrame) -> set[int]:
    """Shots that are title cards or credits: such text on at least half of their images."""
    written = frames["frame_id"].isin(text.loc[text["kind"].isin(CARD_KINDS), "frame_id"])
    share = written.groupby(frames["shot_id"]).mean()
    return set(share.index[share >= 0.5])


def join_tables(
    frames: str, backgrounds: list[str], embeddings: list[str]
) -> tuple[pd.DataFrame, np.ndarray]:
    """One row per image: frame, measures of its background; and its vectors (N, D) float32."""
    table = read_manifest(frames, FRAME_COLUMNS)
    table = table[table["file"] != ""].sort_values("frame_id", ignore_index=True)
    table = table.merge(read_manifest(backgrounds, MEASURES), on="frame_id", how="left")
    vectors, known = read_vectors(embeddings, "background", table["frame_id"])
    if table["covered"].isna().any() or not known.all():
        raise CineloraError(
            f"Of {len(table)} images, {int((~known).sum())} have no vector and "
            f"{int(table['covered'].isna().sum())} no background.\n"
            "  The tables are of different runs: delete inpaint_backgrounds and embed_images."
        )
    painted, blur = table["covered"] * table["filled"], measure_blur(table["sharpness"])
    return table.assign(painted=painted, blur=blur), vectors


def find_places(
    table: pd.DataFrame, vectors: np.ndarray, cards: set[int], named: dict, options: dict
) -> pd.DataFrame:
    """Columns location, location_score by shot_id."""
    ids, shots = describe_shots(table, vectors)
    shown = ~np.isin(ids, list(cards))
    if not shown.any():
        return pd.DataFrame({"location": pd.Series(dtype=str), "location_score": []})
    ids, shots = ids[shown], remove_common(shots[shown])
    groups = join_alike(shots, MAX_SHOTS)
    means = normalize(mean_groups(groups, shots))
    places = group_shots(mean_groups(groups, ids), means @ means.T, **options)[groups]
    by_row = {row: named[shot] for row, shot in enumerate(ids) if shot in named}
    names, sure = name_places(places, shots, by_row)
    scores = np.where(sure, 1.0, score_fit(names, shots))
    return pd.DataFrame({"location": names, "location_score": scores}, index=ids)


def main(
    frames: str,
    text: str,
    backgrounds: list[str],
    embeddings: list[str],
    review: list[str],
    locations: str,
    *,
    min_similarity: float,
    near_bonus: float,
    near_shots: float,
    view_similarity: float,
    limits: dict[str, float],
) -> Counts:
    """Write place, view and reason of every image."""
    table, vectors = join_tables(frames, backgrounds, embeddings)
    cards = find_cards(read_manifest(text, ["frame_id", "kind"]), table)
    said = read_review(review, "locations")
    named = name_shots(said, table.set_index("frame_id")["shot_id"])
    options = {"min_similarity": min_similarity, "near_bonus": near_bonus, "near_shots": near_shots}
    places = find_places(table, vectors, cards, named, options)
    table["location"] = table["shot_id"].map(places["location"]).fillna("")
    table["location_score"] = table["shot_id"].map(places["location_score"]).fillna(0.0)
    table["reason"] = find_reasons(table, limits)
    keepers = find_keepers(table, vectors, view_similarity)
    table["view_group"] = table["frame_id"].to_numpy()[keepers]
    table["is_view_keeper"] = table["view_group"] == table["frame_id"]
    write_manifest(table[LOCATIONS.names], locations, LOCATIONS)
    sizes = places["location"].value_counts().to_dict()
    aside = table.loc[table["reason"] != "", "reason"].value_counts().to_dict()
    log.info("shots of each place: %s; backgrounds set aside: %s", sizes, aside)
    found = {"places": len(sizes), "views": int(table["is_view_keeper"].sum()), **aside}
    found["review_unknown"] = count_unknown(said, "locations", set(table["frame_id"]))
    return Counts("images", len(table), len(table), found=found)


if __name__ == "__main__":
    run_phase(main, snakemake)
