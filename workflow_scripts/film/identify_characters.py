"""Find out who is who: tracks that look alike are one character, reference images name them.

Reads instances, their embeddings, the embedded reference images and, if there is one, a review;
leaves a row per instance: its cluster, its character ("": nobody that has a name), and why.

Whole tracks are compared, by colors and vectors. Tracks that are seen beside each other for more
than a few images are two people (people/meetings.py), and so are images of two characters. The film
itself says what is alike: tracks vary within themselves, and people who are seen together differ
(the log has both, and their equal error rate). A name is given once a frame: of two who have it,
the one who is seen for less is unsure.

Corrections: config/reviews/{film}/identities.csv with the columns id (an instance_id, a track_id or
a cluster such as c03) and character (empty: nobody). They win; a corrected track also serves as a
reference for the others. Clusters are numbered anew when a threshold changes, tracks are not.
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.people.appearance import Appearance, mean_appearance, stack_appearances
from workflow_scripts.film.people.clusters import link_average, mean_distances
from workflow_scripts.film.people.meetings import (
    FEW,
    count_images,
    count_meetings,
    find_doubles,
    weigh_meetings,
)
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase
from workflow_scripts.lib.reviews import count_unknown, read_review

IDENTITIES = pa.schema(
    [
        ("instance_id", pa.string()),
        ("track_id", pa.string()),
        ("cluster", pa.string()),  # c01 is the largest
        ("character", pa.string()),  # "": nobody that has a name
        ("score", pa.float32()),  # 0.5: as near to another cluster as to its own; 1: certain
        ("source", pa.string()),  # reference, cluster (of a reviewed track), review, none
        ("reason", pa.string()),  # "" named | unknown_character | unsure | nobody (says the review)
    ]
)
INSTANCE_COLUMNS = ["instance_id", "frame_id", "track_id", "area_px", "x0", "y0", "x1", "y1"]
MIN_PAIRS = 4  # people seen together; fewer say nothing about a film


def read_tracks(
    instances: list[str], embeddings: list[str]
) -> tuple[pd.DataFrame, list[str], Appearance, Appearance, Appearance]:
    """All instances; ids and looks of their tracks, and looks of the tracks' first and last halves.

    Shard by shard: shards hold whole shots, and only the means of their tracks stay in memory.
    """
    people, names = [], []
    means: list[list[tuple]] = [[], [], []]
    for path, vectors in zip(instances, embeddings, strict=True):
        rows = read_manifest(path, INSTANCE_COLUMNS)
        people.append(rows)
        embedded = read_manifest(vectors, ["image_id", "kind", "vector", "colors"])
        embedded = embedded[embedded["kind"] == "instance"]
        # merged, not joined: pandas cannot join two empty tables on text
        columns = {"left_on": "instance_id", "right_on": "image_id", "validate": "one_to_one"}
        appearance_of = rows.sort_values("instance_id").merge(embedded, "left", **columns)
        for track_id, track in appearance_of.groupby("track_id"):
            names.append(track_id)
            middle = -(-len(track) // 2)
            for kind, part in enumerate((track, track[:middle], track[middle:])):
                means[kind].append(mean_appearance(part if len(part) else track))
    appearance = [
        Appearance(
            np.array([colors for colors, _ in pairs], np.float32),
            np.array([vector for _, vector in pairs], np.float32),
        )
        for pairs in means
    ]
    return pd.concat(people, ignore_index=True), names, *appearance


def find_equal_error(same: np.ndarray, different: np.ndarray) -> tuple[float, float]:
    """Distance where as many same pairs look different as the other way round, and their rate."""
    cuts = np.sort(np.concatenate([same, different]))
    missed = 1 - np.searchsorted(np.sort(same), cuts, side="right") / len(same)
    taken = np.searchsorted(np.sort(different), cuts, side="right") / len(different)
    best = int(np.abs(missed - taken).argmin())
    return float(cuts[best]), float(missed[best] + taken[best]) / 2


def choose_limit(
    same: np.ndarray,
    different: np.ndarray,
    images: np.ndarray,
    max_distance: float,
    cluster_threshold_interpolation: float,
) -> float:
    """Largest distance within a character: between how tracks vary and how people differ.

    `different` (P,) are distances of pairs who are seen together in so many `images` (P,): the
    more there are, the surer it is that they are two people. A film that shows few people
    together cannot say; then `max_distance` holds.
    """
    if len(different) < MIN_PAIRS or not len(same):
        log.info("%d pairs of people seen together: too few, max_distance holds", len(different))
        return max_distance
    different = np.repeat(different, images.astype(int))
    near, far = float(np.quantile(same, 0.95)), float(np.quantile(different, 0.05))
    cut, rate = find_equal_error(same, different)
    log.info(
        "within tracks: 95 %% nearer than %.3f (%d); seen together: 5 %% nearer than %.3f (%d)",
        *(near, len(same), far, len(different)),
    )
    log.info("equal error rate %.3f at a distance of %.3f", rate, cut)
    limit = near + cluster_threshold_interpolation * (far - near) if far > near else cut
    return min(limit, max_distance)


def number_clusters(tracks: pd.DataFrame, sizes: pd.Series) -> pd.DataFrame:
    """Call the clusters c01, c02, ... by how many instances they have."""
    counts = sizes.reindex(tracks.index).groupby(tracks["cluster"]).sum()
    order = counts.sort_values(ascending=False, kind="stable").index
    numbers = {label: f"c{number:02d}" for number, label in enumerate(order, start=1)}
    return tracks.assign(cluster=tracks["cluster"].map(numbers))


def score_tracks(distances: np.ndarray, labels: np.ndarray, limit: float) -> np.ndarray:
    """How much nearer each item is to its own cluster than to the next one: 0.5 to 1, or less."""
    means = mean_distances(distances, labels)
    items = np.arange(len(labels))
    own = means[items, labels]
    own = np.where(np.isfinite(own), own, limit)  # alone: as good as the farthest that would join
    means[items, labels] = np.inf
    other = np.minimum(means.min(1, initial=np.inf), 1.0)
    return other / np.maximum(own + other, 1e-9)


def match_tracks(
    tracks: list[str],
    appearance: Appearance,
    meetings: np.ndarray,
    images: np.ndarray,
    references: pd.DataFrame,
    reviewed: dict[str, str],
    limit: float,
    vector_weight: float,
) -> pd.DataFrame:
    """Cluster, character, score and source of each track; `meetings` (T, T) and `images` (T,) are
    those of people/meetings.py.

    Images and corrected tracks of a character are one group from the start; which tracks it
    gathers has its name.
    """
    count = len(tracks)
    seeds = np.array([reviewed.get(name, "") for name in tracks] + list(references["character"]))
    everyone = appearance.join(stack_appearances(references))
    distances = everyone.distances(everyone, vector_weight)
    named = seeds != ""
    apart = named[:, None] & named[None] & (seeds[:, None] != seeds[None])
    more = (0, len(seeds) - count)  # reference images meet nobody
    meetings, images = np.pad(meetings, [more, more]), np.pad(images, more)
    first = {name: n for n, name in reversed(list(enumerate(seeds))) if name}
    groups = np.array([first.get(name, n) for n, name in enumerate(seeds)])
    evidence = weigh_meetings(meetings, images)
    labels = link_average(distances, apart, groups, limit, evidence, images)
    who = {label: name for label, name in zip(labels, seeds, strict=True) if name}
    names = [who.get(label, "") for label in labels[:count]]
    imaged = set(references["character"])
    return pd.DataFrame(
        {
            "cluster": labels[:count],
            "character": names,
            "score": score_tracks(distances, labels, limit)[:count],
            "source": ["reference" if name in imaged else "cluster" for name in names],
        },
        index=tracks,
    )


def assign_identities(
    tracks: pd.DataFrame, people: pd.DataFrame, review: dict[str, str], min_score: float
) -> pd.DataFrame:
    """Rows of the table; corrections of an instance win, then of a track, then of a cluster."""
    own = ["instance_id", "frame_id", "track_id", "area_px"]
    rows = people[own].join(tracks, on="track_id")
    unsure = (rows["character"] != "") & ~(rows["score"] >= min_score)
    rows["reason"] = np.select(
        [rows["character"] == "", unsure], ["unknown_character", "unsure"], ""
    )
    rows.loc[rows["reason"] != "", ["character", "source"]] = ["", "none"]
    for column in ("cluster", "track_id", "instance_id"):
        said = rows[column].map(review)
        by_review = said.notna()
        rows.loc[by_review, "character"] = said[by_review]
        rows.loc[by_review, "source"] = "review"
        rows.loc[by_review, "score"] = 1.0
        rows.loc[by_review, "reason"] = np.where(said[by_review] == "", "nobody", "")
    rows.loc[find_doubles(rows), ["character", "source", "reason"]] = ["", "none", "unsure"]
    return rows[IDENTITIES.names]


def main(
    instances: list[str],
    embeddings: list[str],
    references: str,
    review: list[str],
    identities: str,
    *,
    characters: list[str],
    vector_weight: float,
    max_distance: float,
    cluster_threshold_interpolation: float,
    min_score: float,
) -> Counts:
    people, tracks, appearance, early, late = read_tracks(instances, embeddings)
    corrections = read_review(review, "identities", {"character": characters})
    said = dict(zip(corrections["id"], corrections["character"], strict=True))
    images = read_manifest(references, ["character", "vector", "colors", "reason"])
    images = images[(images["reason"] == "") & images["character"].isin(characters)]
    log.info("%d tracks, %d references, %d corrections", len(tracks), len(images), len(said))
    if tracks:
        meetings, seen = count_meetings(people, tracks), count_images(people, tracks)
        same = np.diag(early.distances(late, vector_weight))
        pairs = np.nonzero(np.triu(meetings >= FEW))
        different = appearance.distances(appearance, vector_weight)[pairs]
        interpolation = cluster_threshold_interpolation
        limit = choose_limit(same, different, meetings[pairs], max_distance, interpolation)
        log.info("tracks join up to a distance of %.3f", limit)
        table = match_tracks(tracks, appearance, meetings, seen, images, said, limit, vector_weight)
        sizes = people["track_id"].value_counts()
        rows = assign_identities(number_clusters(table, sizes), people, said, min_score)
    else:
        rows = pd.DataFrame(columns=IDENTITIES.names)
    write_manifest(rows, identities, IDENTITIES)
    known = {*rows["instance_id"], *rows["track_id"], *rows["cluster"]}
    return count(rows, count_unknown(corrections, "identities", known))


def count(rows: pd.DataFrame, review_unknown: int) -> Counts:
    """What came out. Nobody named is no failure: the clusters wait for a roster or a review."""
    found = {"clusters": int(rows["cluster"].nunique()), "review_unknown": review_unknown}
    named = rows["character"] != ""
    log.info("instances: %s", rows["character"].replace("", "nobody").value_counts().to_dict())
    if not named.any():
        log.warning("nobody has a name: put images into config/rosters/, or write a review")
        return Counts("instances", len(rows), len(rows), found=found)
    return Counts.of("instances", rows["reason"], **found)


if __name__ == "__main__":
    run_phase(main, snakemake)
