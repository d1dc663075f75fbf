"""Decide what the drawings of a suite show, and how far that is what was asked.

Reads the drawings, what was measured of them, and of a character the images of all characters of
the film. Leaves shown.parquet, a row per drawing with all that was asked and found;
scores.parquet, a row per scenario, adapter and score, with intervals; and a sheet of drawings per
scenario. The rules and thresholds are those that name the film's own frames.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.adapter.consistency import (
    find_levels,
    measure_sameness,
    measure_variety,
    pair_prompts,
)
from workflow_scripts.adapter.examples import seed_for
from workflow_scripts.adapter.recognition import Gallery, recognize
from workflow_scripts.adapter.still_words import IMAGE_COLUMNS, PEOPLE_COLUMNS, UNKNOWN, name_stills
from workflow_scripts.adapter.suite_scores import (
    BASE,
    KEYS,
    TOOL,
    Judged,
    judge_asked,
    score_all,
)
from workflow_scripts.adapter.suite_sheets import write_sheets
from workflow_scripts.adapter.suites import ASKED
from workflow_scripts.film.light.model import LightModel, read_light_model
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase

SCORES = pa.schema(
    [
        ("scenario", pa.string()),  # of the suite; all: all of them together
        ("adapter", pa.string()),  # own, base, or a control
        ("step", pa.int32()),  # of what was kept while it was trained; null: the adapter itself
        ("strength", pa.float64()),
        ("over", pa.string()),  # "" of a level; of a margin: base, or the control it is over
        ("score", pa.string()),  # asked, asked.<attribute>, recognized, consistency, ...
        ("value", pa.float64()),  # null where there was nothing to measure it on
        ("low", pa.float64()),  # of the 95 % interval over prompts, then seeds
        ("high", pa.float64()),
        ("n", pa.int32()),  # drawings; of pairs those in them
        ("clusters", pa.int32()),  # prompts
        ("unknown", pa.int32()),  # of what was asked: where the phases could not say
        ("note", pa.string()),
    ]
)
SHOWN = pa.schema(
    [
        ("drawing_id", pa.string()),
        ("adapter", pa.string()),
        ("step", pa.int32()),
        ("strength", pa.float64()),
        ("scenario", pa.string()),
        ("prompt_no", pa.int32()),
        ("seed", pa.int32()),
        ("prompt", pa.string()),
        *((f"asked_{name}", pa.string()) for name in ASKED),  # null: not asked
        *((f"found_{name}", pa.string()) for name in ASKED),  # null: not drawn
        *((f"right_{name}", pa.float32()) for name in ASKED),  # 1, 0; null: not asked
        ("character", pa.string()),  # whom the person nearest to the character is most like
        ("recognized", pa.float32()),  # 1, 0; null: of no character, or no reference images
        ("retrieval", pa.float32()),  # null also where nobody is found
        ("file", pa.string()),
        ("reason", pa.string()),  # "" drawn | no_other_character
    ]
)


def judge_tools(rows: pd.DataFrame, gallery: Gallery, people: pd.DataFrame) -> dict[tuple, Judged]:
    """The drawings of each adapter, all in the same order, with what their pairs have in common.

    `rows` are drawings with right_*, recognized, instance_id of the subject, and vector.
    """
    rows = rows.assign(step=rows["step"].astype(object).where(rows["step"].notna(), None))
    tools = {
        tool: own.sort_values(KEYS, ignore_index=True)
        for tool, own in rows.groupby(TOOL, sort=False, dropna=False)
    }
    tools = {_name_tool(tool): own for tool, own in tools.items()}
    base = next(own for tool, own in tools.items() if tool[0] == BASE)
    scenarios = base["scenario"].to_numpy()
    counts = pair_prompts(scenarios, base["prompt_no"].to_numpy())
    usual = _measure_distances(base)
    levels = find_levels(gallery.distances, gallery.is_own)
    if gallery.is_known and not levels.is_known:
        log.warning("images of this character are as far apart as those of others: no consistency")
    judged = {}
    for tool, own in tools.items():
        variety = measure_variety(_measure_distances(own), usual, counts, scenarios)
        sameness = np.full(counts.shape, np.nan)
        if levels.is_known:
            sameness = measure_sameness(gallery.compare(people, own["instance_id"]), levels)
        judged[tool] = Judged(own, sameness, variety, counts)
    return judged


def _name_tool(tool: tuple) -> tuple:
    name, step, strength = tool
    return name, None if pd.isna(step) else int(step), strength


def _measure_distances(rows: pd.DataFrame) -> np.ndarray:
    """Cosine distances (N, N) of whole images."""
    vectors = np.stack(rows["vector"].to_list())
    return np.clip(1 - vectors @ vectors.T, 0, 2)


def describe_drawings(
    drawings: pd.DataFrame,
    people: pd.DataFrame,
    measures: pd.DataFrame,
    rules: dict[str, Any],
    light: LightModel,
) -> pd.DataFrame:
    """The drawings with what was found in them; nothing of those that were not made."""
    found = name_stills(people[PEOPLE_COLUMNS], measures[IMAGE_COLUMNS], rules, light)
    found = found.add_prefix("found_").reset_index()
    vectors = measures[["drawing_id", "vector"]]
    rows = drawings.merge(found, "left", on="drawing_id").merge(vectors, "left", on="drawing_id")
    rows[[f"found_{name}" for name in ASKED]] = rows[[f"found_{name}" for name in ASKED]].where(
        rows["reason"] == "", None
    )
    return judge_asked(rows)


def main(
    drawings: str,
    images: str,
    people: str,
    measures: str,
    references: Sequence[str],
    light_model: str,
    scores: str,
    shown: str,
    sheets: str,
    *,
    title: str,
    character: str,
    rules: dict[str, Any],
    vector_weight: float,
    bootstrap: int,
    seed: int,
) -> Counts:
    rows = read_manifest(drawings)
    bodies, wholes = read_manifest(people), read_manifest(measures)
    gallery = Gallery.read(references, character, vector_weight)
    rows = describe_drawings(rows, bodies, wholes, rules, read_light_model(light_model))
    rows = recognize(rows, bodies, gallery)
    drawn = rows[rows["reason"] == ""]
    table: list[dict] = []
    if len(drawn):
        rng = np.random.default_rng(seed_for(seed, "suite"))
        judged = judge_tools(drawn, gallery, bodies)
        table = score_all(judged, {"resamples": bootstrap, "rng": rng})
    write_manifest(pd.DataFrame(table).reindex(columns=SCORES.names), scores, SCORES)
    write_manifest(rows[SHOWN.names], shown, SHOWN)
    write_sheets(title, drawn, images, sheets)
    unknown = sum(int((drawn[f"found_{name}"] == UNKNOWN).sum()) for name in ASKED)
    found = {"scores": len(table), "people": len(bodies), "unknown": unknown}
    return Counts.of("drawings", rows["reason"], **found)


if __name__ == "__main__":
    run_phase(main, snakemake)
