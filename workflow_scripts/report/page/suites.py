"""The chapter on test suites: what came of what was asked, scenario by scenario, and when."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.value_files import read_values
from workflow_scripts.report.page.adapters import COMPARED
from workflow_scripts.report.page.blocks import (
    Card,
    Chart,
    Columns,
    Gallery,
    Note,
    Section,
    Table,
    Tabs,
)
from workflow_scripts.report.page.charts import draw_estimates
from workflow_scripts.report.page.film import Film
from workflow_scripts.report.page.images import read_width

ALL, OWN, BASE = "all", "own", "base"
SHOWN = {  # score: what a column is called
    "asked": "came as asked",
    "recognized": "recognized",
    "consistency": "consistency",
    "people_found": "somebody found",
}
DRAWN_OVER_TIME = ("asked", "recognized", "consistency")
NOTE = (
    "Judged by the phases that name the film's own frames; where they cannot say, nothing came."
    " Below a value: its 95 % interval over prompts, then seeds. Recognized: most like this"
    " character's reference images. Consistency: as alike as those images are, in drawings as"
    " unlike as the base's are; one image for everything has 0, and so has somebody else in each."
)
TRAINED = {
    "properties": {
        "steps": {"type": "integer"},
        "settings": {"type": "object", "required": ["keep", "steps"]},
    }
}


def show_suites(film: Film) -> Section | None:
    """What each adapter drew of its suite; None where no suite belongs to this run."""
    names = [name for name in film.datasets if film.results.paths("suite_scores", name)]
    if not names:
        return None
    lead = "Prompts that no dataset has, drawn by the base, by each adapter and its controls. "
    lead += f"All drawings: results/{film.name}/draw_suite/."
    tabs = [(name, _show_suite(film, name)) for name in names]
    return Section("suites", "The test suites", lead, [Tabs("suite", tabs)])


def _show_suite(film: Film, name: str) -> list:
    scores = read_manifest(film.results.path("suite_scores", name))
    if scores.empty:
        return [Note("Nothing was drawn: the dataset is empty, so no adapter was trained.", "warn")]
    own = choose_own(scores)
    return [
        *(Note(text, tone) for text, tone in state_margins(scores, own)),
        tabulate_scenarios(scores, own),
        *_show_course(film, name, scores),
        tabulate_attributes(scores, own),
        _show_sheets(film, name),
    ]


def choose_own(scores: pd.DataFrame) -> float:
    """The strength of the adapter that is shown: full, or what comes nearest."""
    strengths = scores.loc[(scores["adapter"] == OWN) & scores["step"].isna(), "strength"].unique()
    return float(min(strengths, key=lambda strength: abs(strength - 1)))


def state_margins(scores: pd.DataFrame, strength: float) -> list[tuple[str, str]]:
    """Sentences, each with its tone: by how much the adapter is better than base and controls."""
    rows = scores[(scores["over"] != "") & (scores["scenario"] == ALL)]
    rows = rows[(rows["strength"] == strength) & rows["value"].notna()]
    said = []
    for over, group in rows.groupby("over", sort=False):
        claims = [_claim(row) for row in group.itertuples() if row.score in SHOWN]
        better = (group["low"] > 0).any()
        tone = "warn" if (group["high"] < 0).any() else "good" if better else "plain"
        said.append((f"Beside {COMPARED.get(over, over)}: {'; '.join(claims)}.", tone))
    return said


def _claim(row: Any) -> str:
    ends = "no interval" if pd.isna(row.low) else f"{row.low:+.2f} to {row.high:+.2f}"
    return f"{SHOWN[row.score]} {row.value:+.2f} ({ends})"


def tabulate_scenarios(scores: pd.DataFrame, strength: float) -> Table:
    """A row per scenario: the adapter's figures, and those of the base below each other."""
    levels = scores[(scores["over"] == "") & scores["step"].isna() & scores["value"].notna()]
    own = levels[(levels["adapter"] == OWN) & (levels["strength"] == strength)]
    base = levels[levels["adapter"] == BASE]
    columns = [score for score in SHOWN if (own["score"] == score).any()]
    rows = []
    for scenario in dict.fromkeys(scores["scenario"]):
        cells = [_format(own, scenario, score) for score in columns]
        plain = [_format(base, scenario, score).partition("\n")[0] for score in columns[:2]]
        rows.append([scenario.replace("_", " "), *cells, *plain])
    head = ["scenario", *(SHOWN[score] for score in columns)]
    head += [f"{SHOWN[score]}, base alone" for score in columns[:2]]
    return Table(f"By scenario, at strength {strength:g}", head, rows, note=NOTE)


def _format(levels: pd.DataFrame, scenario: str, score: str) -> str:
    """0.41, below it 0.38 to 0.44; "" where nothing was measured."""
    rows = levels[(levels["scenario"] == scenario) & (levels["score"] == score)]
    if rows.empty:
        return ""
    row = rows.iloc[0]
    return f"{row['value']:.2f}" + (
        "" if pd.isna(row["low"]) else f"\n{row['low']:.2f} to {row['high']:.2f}"
    )


def tabulate_attributes(scores: pd.DataFrame, strength: float) -> Table:
    """What came of each attribute, in all scenarios together."""
    levels = scores[(scores["scenario"] == ALL) & (scores["over"] == "") & scores["step"].isna()]
    levels = levels[levels["score"].str.startswith("asked.")]
    own = levels[(levels["adapter"] == OWN) & (levels["strength"] == strength)]
    base = levels[levels["adapter"] == BASE].set_index("score")
    rows = [
        [
            row.score.partition(".")[2].replace("_", " "),
            row.n,
            f"{row.value:.2f}",
            f"{row.unknown / row.n:.2f}",
            f"{base['value'].get(row.score, np.nan):.2f}",
        ]
        for row in own.itertuples()
    ]
    head = ["attribute", "asked", "came", "unknown", "came, base alone"]
    return Table("By attribute", head, rows, folded=True)


def _show_course(film: Film, name: str, scores: pd.DataFrame) -> list:
    """Curves over what was kept of the training, and why the adapter is of its step."""
    settings = read_values(film.results.path("settings", name), TRAINED)
    metrics = read_manifest(film.results.path("metrics", name), ["step", "validation_loss"])
    chosen = Note(explain_choice(settings, metrics))
    kept = scores[scores["step"].notna() & (scores["scenario"] == ALL) & (scores["over"] == "")]
    charts = [
        Chart(SHOWN[score], _draw(rows, settings["steps"]), f"{rows['value'].iloc[-1]:.2f} at last")
        for score in DRAWN_OVER_TIME
        if len(rows := kept[(kept["score"] == score) & kept["value"].notna()].sort_values("step"))
    ]
    if not charts:
        return [chosen]
    return [Columns(charts), chosen]


def _draw(rows: pd.DataFrame, chosen: int) -> Any:
    columns = (rows[name].to_numpy(float) for name in ("step", "value", "low", "high"))
    return draw_estimates(*columns, mark=chosen)


def explain_choice(settings: dict[str, Any], metrics: pd.DataFrame) -> str:
    """Why the adapter is of its step, by the declared rule; suites do not choose."""
    step, asked = settings["steps"], settings["settings"]
    measured = metrics[(metrics["step"] > 0) & metrics["validation_loss"].notna()]
    if asked["keep"] == "last":
        return f"The adapter is that of step {step}, the last: adapter.keep is last."
    if measured.empty:
        return f"The adapter is that of step {step}, the last: nothing was held out to choose by."
    losses = measured.set_index("step")["validation_loss"]
    words = f"The adapter is that of step {step}: adapter.keep is best, and of {len(losses)} states"
    words += f" measured this one has the lowest held-out loss, {losses.min():.4g}"
    last = int(losses.index[-1])
    return words + (f" (step {last}: {losses[last]:.4g})." if last != step else ".")


def _show_sheets(film: Film, name: str) -> Gallery:
    folder = film.results.path("suite_sheets", name)
    files = sorted(Path(folder).glob("sheet_*.png"))
    cards = [
        Card(
            [film.page_image(path, read_width(path))],  # never shrunk: there are words in it
            path.stem.removeprefix("sheet_").replace("_", " "),
            "prompts across; down: the base alone, the adapter, its controls",
        )
        for path in files
    ]
    return Gallery("Drawings of each scenario", cards, len(cards), "sheet")
