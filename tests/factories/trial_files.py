"""Files of a search as its trials leave them: parameters, settings and scores."""

from pathlib import Path

import pandas as pd
import yaml

from workflow_scripts.adapter.trial_file import Trial, write_trial
from workflow_scripts.adapter.trial_results import Limits

LIMITS = Limits(max_copy_risk=0.1, min_diversity=0.5)
SPACE = {"learning_rate": {"type": "float", "low": 0.001, "high": 0.1, "log": True}}
OPTIONS = {
    "space": SPACE,
    "max_copy_risk": LIMITS.max_copy_risk,
    "min_diversity": LIMITS.min_diversity,
    "confirm_seeds": [101, 102],
    "share": 1.0,
    "seed": 7,
    "dataset": "character-nella",
}
OTHER_SUBJECT = 0.4  # retrieval of the control of the chosen settings


def make_scores(
    gain: float, drift: float, copy_risk: float = 0.0, diversity: float = 0.2, *, chosen=False
) -> pd.DataFrame:
    """The rows of scores.parquet that a search reads, of a character; half strength is a decoy."""
    rows = [
        ("retrieval", "own", 0.5, "", 0.99),
        ("retrieval", "own", 1.0, "", OTHER_SUBJECT + gain),
        ("retrieval", "own", 1.0, "base", 0.98),
        ("heldout_loss", "own", 1.0, "base", gain / 10),
        ("drift", "own", 1.0, "", drift),
        ("copy_risk", "own", 1.0, "", copy_risk),
        ("diversity", "own", 1.0, "", diversity),
        ("diversity", "base", 0.0, "", 0.2),
    ]
    rows += [("retrieval", "other_subject", 1.0, "", OTHER_SUBJECT)] if chosen else []
    return pd.DataFrame(rows, columns=["score", "adapter", "strength", "over", "value"])


def write_result(
    folder: Path, trial: Trial, scores: pd.DataFrame | None, **options
) -> dict[str, str]:
    """The three files of a trial that is over; without scores, one that failed."""
    name = trial.trial
    paths = {key: str(folder / f"{key}_{name}") for key in ("asked", "trained", "scores")}
    paths = {key: f"{path}{'.yaml' * (key != 'scores')}" for key, path in paths.items()}
    write_trial(paths["asked"], trial)
    known = dict.fromkeys(("base", "base_sha256", "dataset_sha256", "trigger"), "x")
    known |= {"resolution_px": 64, "steps": 9, "distinct_images": 2}
    facts = {**known, "settings": {"rank": 8, **trial.settings, **options}}
    if scores is None:
        facts = {"empty": trial.skipped or "the loss of step 3 is nan."}
        scores = make_scores(0, 0).iloc[:0]
    Path(paths["trained"]).write_text(yaml.safe_dump(facts), encoding="utf-8")
    scores.to_parquet(paths["scores"])
    return paths


def gather(results: list[dict[str, str]]) -> dict[str, list[str]]:
    """Inputs of a phase: the files of all trials, of which the first is the chosen one."""
    chosen, *others = results
    files = {key: [each[key] for each in others] for key in ("asked", "trained", "scores")}
    return files | {"chosen_settings": [chosen["trained"]], "chosen_scores": [chosen["scores"]]}
