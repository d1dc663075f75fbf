"""What goes into the pass over a film, and what comes out of it."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workflow_scripts.film.decoding.shots import Boundary


@dataclass(frozen=True)
class Problem:
    """Something that could not be read."""

    time_s: float  # NaN: of no frame
    file: str
    problem: str


@dataclass(frozen=True)
class Sampling:
    """How a film is sampled; the options of the config's block extract_frames."""

    frames_per_second: float
    frames_per_shot: int
    min_cut_change: float
    held_tolerance: float
    crop_bars: bool


@dataclass(frozen=True)
class Footage:
    """What one pass found; `rows` lack the ids, which depend on the shots."""

    rows: pd.DataFrame
    boundaries: list[Boundary]  # in film order, the first at frame 0
    times_s: np.ndarray  # of every frame, sampled or not
    fades: np.ndarray  # of every frame
    dissolves: np.ndarray  # of every frame
    problems: list[Problem]
    notes: list[Problem] = field(default_factory=list)  # what was not used, though nothing broke
