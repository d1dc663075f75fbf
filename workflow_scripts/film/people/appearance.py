"""What tracks and reference images look like, and how far apart their looks are."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.film.people.colors import compare_colors


@dataclass(frozen=True)
class Appearance:
    """What N tracks or images look like; row i of both arrays is the same one."""

    colors: np.ndarray  # (N, C), see film/people/colors.py
    vectors: np.ndarray  # (N, D) of length 1

    def join(self, other: "Appearance") -> "Appearance":
        """These, then the others."""
        if not len(other.colors):
            return self
        colors = np.concatenate([self.colors, other.colors])
        return Appearance(colors, np.concatenate([self.vectors, other.vectors]))

    def distances(self, other: "Appearance", vector_weight: float) -> np.ndarray:
        """Distances (N, M): 0 alike, 1 nothing in common."""
        by_vectors = 1 - self.vectors @ other.vectors.T
        by_colors = compare_colors(self.colors, other.colors)
        return (1 - vector_weight) * by_colors + vector_weight * np.clip(by_vectors, 0, 1)


def stack_appearances(rows: pd.DataFrame) -> Appearance:
    """Appearance of the rows of a table of embeddings."""
    if not len(rows):
        return Appearance(np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32))
    return Appearance(np.stack(rows["colors"].to_list()), np.stack(rows["vector"].to_list()))


def mean_appearance(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Colors and vector of several instances of one track; larger ones count more."""
    weights = np.sqrt(rows["area_px"].to_numpy(float))
    looks = stack_appearances(rows)
    colors = np.average(looks.colors, axis=0, weights=weights)
    vector = np.average(looks.vectors, axis=0, weights=weights)
    return colors, vector / max(float(np.linalg.norm(vector)), 1e-9)
