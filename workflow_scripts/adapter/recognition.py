"""Who the people of drawings are, among the film's own characters, as identify_characters sees it.

They are compared by the colors they wear and by vectors, with the reference images that people gave
of each character.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.adapter.metrics import rank_precision
from workflow_scripts.film.people.appearance import Appearance, stack_appearances
from workflow_scripts.lib.manifest import read_manifest


@dataclass(frozen=True)
class Gallery:
    """Reference images of all characters of a film; which are of the one that is asked for."""

    looks: Appearance
    names: np.ndarray  # (G,) whose image each is
    who: str  # the character; "" of a dataset of none
    vector_weight: float  # as identify_characters has it

    @classmethod
    def read(cls, references: Sequence[str], who: str, vector_weight: float) -> "Gallery":
        """The table of embed_references; [] of kinds that are of no character."""
        columns = ["character", "vector", "colors", "reason"]
        rows = pd.DataFrame(columns=columns)
        if references:
            rows = read_manifest(list(references), columns).query("reason == ''")
        return cls(stack_appearances(rows), rows["character"].to_numpy(str), who, vector_weight)

    @property
    def is_own(self) -> np.ndarray:
        """Which images (G,) are of the character."""
        return self.names == self.who

    @property
    def is_known(self) -> bool:
        """Whether there are images of the character, and of somebody to be taken for."""
        return bool(self.who and self.is_own.any() and not self.is_own.all())

    @property
    def distances(self) -> np.ndarray:
        """Distances (G, G) of the images to each other."""
        if not len(self.names):
            return np.zeros((0, 0))
        return self.looks.distances(self.looks, self.vector_weight)

    def compare(self, people: pd.DataFrame, chosen: pd.Series) -> np.ndarray:
        """Distances (N, N) of the chosen people, by instance_id, to each other; nan for nobody."""
        rows = people.set_index("instance_id").reindex(chosen.dropna())
        known = np.flatnonzero(chosen.notna())
        distances = np.full((len(chosen), len(chosen)), np.nan)
        if len(known):
            looks = stack_appearances(rows)
            distances[np.ix_(known, known)] = looks.distances(looks, self.vector_weight)
        return distances


def recognize(rows: pd.DataFrame, people: pd.DataFrame, gallery: Gallery) -> pd.DataFrame:
    """Drawings with columns instance_id, character, recognized and retrieval.

    The subject of a drawing is the person who is most like the character. Nobody found is nobody
    recognized. Where there is no character, or nobody to be taken for, nothing is said.
    """
    empty = {"instance_id": None, "character": None, "recognized": np.nan, "retrieval": np.nan}
    rows = rows.assign(**empty)
    if not gallery.is_known:
        return rows
    rows["recognized"] = np.where(rows["reason"] == "", 0.0, np.nan)
    if people.empty:
        return rows
    subjects = find_subjects(people, gallery).reindex(rows["drawing_id"])
    for name in ("instance_id", "character", "retrieval"):
        rows[name] = subjects[name].to_numpy()
    own = subjects["is_recognized"].to_numpy()
    rows["recognized"] = rows["recognized"].where(pd.isna(own), (own == True).astype(float))  # noqa: E712
    return rows


def find_subjects(people: pd.DataFrame, gallery: Gallery) -> pd.DataFrame:
    """Of each drawing with people the one who is most like the character, by drawing_id."""
    people = people.reset_index(drop=True)
    away = stack_appearances(people).distances(gallery.looks, gallery.vector_weight)  # (P, G)
    names = sorted(set(gallery.names))
    means = np.stack([away[:, gallery.names == name].mean(1) for name in names], 1)
    own = means[:, names.index(gallery.who)]
    table = pd.DataFrame(
        {
            "instance_id": people["instance_id"],
            "drawing_id": people["drawing_id"],
            "distance": own,
            "character": np.array(names, object)[means.argmin(1)],
            "retrieval": rank_precision(-away, gallery.is_own),
        }
    )
    table["is_recognized"] = table["character"] == gallery.who
    anybody = table.groupby("drawing_id")["is_recognized"].any()
    subjects = table.loc[table.groupby("drawing_id")["distance"].idxmin()].set_index("drawing_id")
    return subjects.assign(is_recognized=anybody)
