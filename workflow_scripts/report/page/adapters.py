"""The chapter on adapters: how they learned, what is proven of them, what is not, their scores."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.adapter.findings import OPEN, RIGHT, WRONG, judge_adapter
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.value_files import read_values
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
from workflow_scripts.report.page.charts import draw_curves
from workflow_scripts.report.page.film import Film
from workflow_scripts.report.page.images import read_width
from workflow_scripts.report.page.packed import find_empty
from workflow_scripts.report.page.searches import show_search

NOT_TRAINED = "Its dataset is empty, so nothing was trained; the file holds no weights."
COMPARED = {  # what a margin is over, in words that follow "than"
    "base": "the base model alone",
    "other_subject": "the same training on somebody else",
    "shuffled_captions": "the same training with shuffled captions",
}
CLAIMS = {  # scores of which there are margins, and what the interval of each resamples
    "heldout_loss": ("loss on held-out images", "shot"),
    "train_loss": ("loss on training images", "shot"),
    "similarity": ("similarity to held-out images", "prompt"),
    "retrieval": ("the right character among all", "prompt"),
}
HOW = {  # what is read of the settings.yaml that evaluate_adapter leaves
    "properties": {
        "controls": {
            "additionalProperties": {
                "required": ["trigger"],
                "properties": {"trigger": {"type": "string"}},
            }
        }
    }
}
MISSING = {  # why there is no comparison
    "other_subject": "The film has no other dataset of its kind with an adapter,"
    " or controls.other_subject is false.",
    "shuffled_captions": "controls.shuffled_captions does not name its kind.",
}
TONES = {RIGHT: "good", WRONG: "warn"}  # of findings; what is open is said plainly
BETTER, WORSE, EQUAL, UNKNOWN = "better", "worse", "no difference shown", "too few to say"
SAID = {  # by verdict: the sentence that lists its claims; {than} is of COMPARED
    BETTER: "Better than {than}: {claims}.",
    WORSE: "Worse than {than}: {claims}.",
    EQUAL: "No difference to {than} is shown: {claims}.",
    UNKNOWN: "Too few shots or prompts to say, beside {than}: {claims}.",
}
MARGIN_NOTE = (
    "By how much it is better at full strength, image by image; below: the 95 % interval, and of"
    " how many shots or prompts. Where the interval holds 0, no difference is shown; one"
    " in twenty intervals misses the truth."
)


def show_adapters(film: Film) -> Section:
    """Loss curves of all adapters side by side; then proof, scores and drawings of each."""
    empty = find_empty(film)
    curves = [_show_curve(film, name) for name in film.datasets if name not in empty]
    tabs = [
        (name, [Note(NOT_TRAINED, "warn")] if name in empty else _show_adapter(film, name))
        for name in film.datasets
    ]
    lead = "One adapter per dataset, in the names that kohya, ComfyUI, A1111 and diffusers read: "
    lead += f"results/{film.name}/adapters/. Side by side, with variants that were trained besides:"
    lead += f" results/{film.name}/comparison/index.html."
    return Section("adapters", "The adapters", lead, [Columns(curves), Tabs("adapter", tabs)])


def _show_curve(film: Film, name: str) -> Chart:
    columns = ["step", "loss", "validation_loss"]
    metrics = read_manifest(film.results.path("metrics", name), columns).astype(float)
    drawing = draw_curves(*(metrics[column].to_numpy(np.float64) for column in columns))
    held_out = metrics["validation_loss"].dropna()
    note = "Orange: held-out images"
    note += (
        f", {held_out.iloc[0]:.4g} to {held_out.iloc[-1]:.4g}. " if len(held_out) else ": none. "
    )
    note += "Gray: while training, weighted; not to be compared."
    return Chart(name, drawing, note)


def _show_adapter(film: Film, name: str) -> list:
    results = film.results
    settings = read_values(results.path("settings", name))
    scores = read_manifest(results.path("scores", name))
    size = results.path("adapter", name).stat().st_size
    plain = {key: value for key, value in settings.items() if isinstance(value, str | int | float)}
    about = [(key.replace("_", " "), str(value)) for key, value in plain.items()]
    about.append(("file", f"{size / 1e6:.2f} MB"))
    return [
        *state_findings(scores),
        *state_proof(scores, _find_triggers(film, name)),
        _show_drawings(film, name),
        tabulate_levels(scores),
        *show_search(film, name),
        Table("How it was trained", ["setting", "value"], about, folded=True),
    ]


def _find_triggers(film: Film, name: str) -> dict[str, str]:
    """What calls each control, where that is somebody else."""
    controls = read_values(film.results.path("how_measured", name), HOW).get("controls", {})
    return {over: one["trigger"] for over, one in controls.items() if over == "other_subject"}


def _show_drawings(film: Film, name: str) -> Gallery:
    grid = film.results.path("grid", name)
    card = Card(
        [film.page_image(grid, read_width(grid))],  # never shrunk: there are words in it
        Path(grid).name,
        "prompts and seeds across, strengths of the adapter and its controls down;"
        " another subject is called by its own trigger",
    )
    return Gallery("Drawn with and without the adapter", [card], 1, "sheet")


def state_findings(scores: pd.DataFrame) -> list[Note]:
    """What is wrong with an adapter, then what is not, then what cannot be said; a note of each."""
    found = judge_adapter(scores)
    said = {one.found: [] for one in found}
    for one in found:
        said[one.found].append(one.sentence)
    order = sorted(said, key=(WRONG, RIGHT, OPEN).index)
    return [Note(" ".join(said[tone]), TONES.get(tone, "plain")) for tone in order]


def state_proof(scores: pd.DataFrame, triggers: dict[str, str]) -> list[Note | Table]:
    """What is better than which control, in sentences and with figures; and what is not shown.

    `triggers` name controls that are of somebody else.
    """
    margins = find_margins(scores)
    notes = [note for over in COMPARED for note in _compare(over, margins)]
    zero = scores.loc[scores["score"] == "change_at_strength_0", "value"]
    if zero.gt(0).any():
        words = f"At strength 0 a pixel changes by {zero.max():.3g}: it should draw as the base."
        notes.append(Note(words, "warn"))
    head = ["compared with", *(words for words, _ in CLAIMS.values())]
    rows = [
        [_name_control(over, triggers), *_list_margins(over, margins)]
        for over in COMPARED
        if over in set(margins["over"])
    ]
    return [*notes, *([Table("What is proven", head, rows, note=MARGIN_NOTE)] if rows else [])]


def find_margins(scores: pd.DataFrame) -> pd.DataFrame:
    """Margins at full strength, or at that which comes nearest, each with its verdict."""
    margins = scores[(scores["over"] != "") & scores["value"].notna()]
    away = (margins["strength"] - 1).abs()
    margins = margins[away == away.min()]
    return margins.assign(verdict=[judge(row) for row in margins.itertuples()])


def judge(row: Any) -> str:
    """What a margin and its interval say."""
    if pd.isna(row.low):
        return UNKNOWN
    return BETTER if row.low > 0 else WORSE if row.high < 0 else EQUAL


def _compare(over: str, margins: pd.DataFrame) -> list[Note]:
    """Sentences on one control: the good and the bad first; why, where there is none."""
    rows = margins[margins["over"] == over]
    if rows.empty:
        why = MISSING.get(over)
        return [Note(f"Not compared with {COMPARED[over]}. {why}")] if why else []
    sentences = []
    for verdict, sentence in SAID.items():
        claims = [CLAIMS[score][0] for score in rows.loc[rows["verdict"] == verdict, "score"]]
        if claims:
            sentences.append(sentence.format(than=COMPARED[over], claims=", ".join(claims)))
    found = set(rows["verdict"])
    tone = "warn" if WORSE in found else "good" if BETTER in found else "plain"
    return [Note(" ".join(sentences), tone)]


def _list_margins(over: str, margins: pd.DataFrame) -> list[str]:
    rows = {row.score: row for row in margins[margins["over"] == over].itertuples()}
    return [_format_margin(rows[score]) if score in rows else "" for score in CLAIMS]


def _name_control(over: str, triggers: dict[str, str]) -> str:
    return COMPARED[over] + (f" ({triggers[over]})" if over in triggers else "")


def _format_margin(row: Any) -> str:
    """ "0.12, better", below it "0.03 to 0.21, of 4 prompts"."""
    clusters = f"{row.clusters} {CLAIMS[row.score][1]}{'s' * (row.clusters != 1)}"
    ends = "" if pd.isna(row.low) else f"{row.low:.3g} to {row.high:.3g}, "
    return f"{row.value:+.3g}, {row.verdict}\n{ends}of {clusters}"


def tabulate_levels(scores: pd.DataFrame) -> Table:
    """One row a score; columns: the base, strengths of the adapter, controls, the film itself."""
    levels = scores[(scores["over"] == "") & scores["value"].notna()]
    levels = levels[levels["score"] != "change_at_strength_0"]
    columns = [_name_column(row) for row in levels.itertuples()]
    levels = levels.assign(column=columns)
    head = sorted(set(columns), key=_sort_column)
    rows = []
    for name, group in levels.groupby("score", sort=False):
        cells = {row.column: _format_level(row) for row in group.itertuples()}
        better = {"up": "higher", "down": "lower"}.get(group["better"].iloc[0], "")
        values = [cells.get(column, "") for column in head]
        rows.append([name.replace("_", " "), *values, better, group["note"].iloc[0]])
    note = "Below a value: its 95 % interval. What could not be measured has no row."
    return Table("Scores", ["score", *head, "better", ""], rows, note=note)


def _name_column(row: Any) -> str:
    names = {"base": "base alone", "own": f"strength {row.strength:g}", "film": "the film itself"}
    return names.get(row.adapter, row.adapter.replace("_", " "))


def _sort_column(name: str) -> tuple[int, str]:
    first = {"base alone": 0, "the film itself": 3}
    return first.get(name, 1 if name.startswith("strength") else 2), name


def _format_level(row: Any) -> str:
    """0.41, below it 0.38 to 0.44."""
    return f"{row.value:.3g}" + ("" if pd.isna(row.low) else f"\n{row.low:.3g} to {row.high:.3g}")


def has_random_base(film: Film) -> bool:
    """Whether any adapter was trained on random weights."""
    paths = film.results.paths("scores")
    tables = [read_manifest(path, ["base_is_random"]) for path in paths]
    return any(bool(table["base_is_random"].any()) for table in tables)
