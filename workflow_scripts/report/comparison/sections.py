"""The chapters of the comparison: an overview, then of each group words, drawings and figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from workflow_scripts.report.comparison.costs import COSTS, list_changes, list_costs
from workflow_scripts.report.comparison.evaluations import FILM, IMAGES, Evaluation
from workflow_scripts.report.comparison.members import Contest, Group
from workflow_scripts.report.comparison.pairs import (
    BETTER,
    TOO_FEW,
    VERDICTS,
    WORSE,
    Difference,
    explain_apart,
)
from workflow_scripts.report.page.adapters import CLAIMS
from workflow_scripts.report.page.blocks import Link, Note, PageImage, Section, Table
from workflow_scripts.report.page.images import Look

DIFFERENCES = (
    "Positive: the first is better, in the units of the score. Below: the 95 % interval, and of"
    " how many prompts or shots. Where it holds 0, nothing is decided."
)


@dataclass(frozen=True)
class GridRow:
    """What all adapters drew of one prompt with one seed; None where one did not."""

    prompt: str
    seed: int
    related: bool
    is_first: bool  # of its prompt
    cells: Sequence[PageImage | None]


@dataclass(frozen=True)
class Grid:
    """The same prompts and seeds side by side; `total` counts those that there are."""

    kind: ClassVar[str] = "grid"
    title: str
    heads: Sequence[tuple[str, str]]
    rows: Sequence[GridRow]
    total: int


def name_part(number: int) -> str:
    """The id of a group's section; names of folders may hold anything."""
    return f"set-{number + 1}"


def show_overview(groups: Sequence[Group], contests: Sequence[Sequence[Contest]]) -> Section:
    """How often each adapter is better, worse or undecided, beside what it is compared with."""
    rows = [
        [Link(group.title, name_part(n)), contest.own, contest.other, *_count(contest)]
        for n, group in enumerate(groups)
        for contest in contests[n]
        if contest.is_main
    ]
    decided = [d for each in contests for c in each for d in c.differences if d.verdict != TOO_FEW]
    chance = (
        f"{len(decided)} differences on this page have an interval of 95 %: of so many, about"
        f" {len(decided) / 20:.0f} would seem decided if there were none at all."
    )
    head = ["dataset", "adapter", "beside", *VERDICTS]
    blocks: list[Any] = [Table("", head, rows, note=chance)] if rows else []
    lead = (
        "Each adapter at the strength nearest to 1, score by score, on the same prompts and seeds."
    )
    return Section("overview", "What is better", lead, blocks)


def _count(contest: Contest) -> list[int]:
    found = [difference.verdict for difference in contest.differences]
    return [found.count(verdict) for verdict in VERDICTS]


def show_group(number: int, group: Group, contests: Sequence[Contest], look: Look) -> Section:
    """One group: what is better in words, the drawings, all differences, figures, cost."""
    blocks = [_state(contest) for contest in contests if contest.is_main]
    blocks += [show_grid(group, look), tabulate_differences(contests)]
    blocks += [tabulate_figures(group), tabulate_costs(group)]
    return Section(name_part(number), group.title, "", blocks)


def show_empty(number: int, group: Group) -> Section:
    """Of adapters that were not trained: why."""
    notes = [Note(f"{label}: {one.empty}", "warn") for label, one in group.members]
    return Section(name_part(number), group.title, "", notes)


def explain_unpaired(group: Group, others: Sequence[Group]) -> Iterator[Note]:
    """Why it does not stand beside another group of a dataset of the same name."""
    for other in others:
        if other is group or other.first.empty or other.first.dataset != group.first.dataset:
            continue
        why = explain_apart(group.first, other.first)
        words = f"Shown, but not compared with {other.first.folder}: it has other {why}."
        yield Note(words, "warn")


def _state(contest: Contest) -> Note:
    """ "a beside b. Better: similarity (+0.02). Undecided: drift." """
    sentences = [f"{contest.own} beside {contest.other}."]
    for verdict in VERDICTS:
        said = [
            f"{name_score(one.score)} ({one.value:+.2g})"
            for one in contest.differences
            if one.verdict == verdict
        ]
        sentences += [f"{verdict.capitalize()}: {', '.join(said)}."] if said else []
    found = {one.verdict for one in contest.differences}
    tone = "warn" if WORSE in found else "good" if BETTER in found else "plain"
    return Note(" ".join(sentences), tone)


def name_score(score: str) -> str:
    """What a score is called in sentences."""
    return CLAIMS[score][0] if score in CLAIMS else score.replace("_", " ")


def show_grid(group: Group, look: Look) -> Grid:
    """Rows are prompts and seeds, as many as the page has room for; columns are adapters."""
    places = [_find_files(column) for column in group.columns]
    asked = group.first.asked
    rows, seen = [], set()
    for prompt, seed, related in asked[: look.gallery_size]:
        files = [place.get((prompt, seed)) for place in places]
        cells = [look.read(file, file.parent) if file else None for file in files]
        rows.append(GridRow(prompt, seed, related, prompt not in seen, cells))
        seen.add(prompt)
    heads = [(column.label, column.note) for column in group.columns]
    return Grid("The same prompts and seeds", heads, rows, len(asked))


def _find_files(column: Any) -> dict[tuple[str, int], Any]:
    rows = column.evaluation.drawings
    rows = rows[(rows["adapter"] == column.adapter) & (rows["strength"] == column.strength)]
    folder = column.evaluation.folder / IMAGES
    return {(row.prompt, row.seed): folder / row.file for row in rows.itertuples()}


def tabulate_differences(contests: Sequence[Contest]) -> Table:
    """A row for each score, a column for each pair of adapters."""
    scores = dict.fromkeys(one.score for c in contests for one in c.differences)
    cells = [{one.score: _format_difference(one) for one in c.differences} for c in contests]
    rows = [[name_score(s), *(found.get(s, "") for found in cells)] for s in scores]
    head = ["score", *(f"{contest.own}\nbeside {contest.other}" for contest in contests)]
    return Table("By how much it is better", head, rows, note=DIFFERENCES)


def _format_difference(one: Difference) -> str:
    unit = "shot" if one.score.endswith("loss") else "prompt"
    of = f"of {one.clusters} {unit}{'s' * (one.clusters != 1)}"
    ends = "" if one.verdict == TOO_FEW else f"{one.low:.3g} to {one.high:.3g}, "
    return f"{one.value:+.3g}, {one.verdict}\n{ends}{of}"


def tabulate_figures(group: Group) -> Table:
    """Every score of every column, each with its interval; and of the film itself."""
    names = [column.name for column in group.columns]
    levels = [_find_levels(c.evaluation, c.adapter, c.strength) for c in group.columns]
    film = group.first.scores[group.first.scores["adapter"] == FILM]
    rows = []
    scores = group.first.scores.drop_duplicates("score")
    for row in scores[scores["score"] != "change_at_strength_0"].itertuples():
        cells = [level.get(row.score, "") for level in (*levels, _format_levels(film))]
        direction = find_direction(group.first, row.score)
        rows.append([row.score.replace("_", " "), *cells, direction])
    note = "Below a value: its 95 % interval. What could not be measured is left empty."
    return Table("Figures", ["score", *names, "the film itself", "better"], rows, note=note)


def find_direction(evaluation: Evaluation, score: str) -> str:
    """ "higher", "lower" or ""."""
    rows = evaluation.scores
    found = rows.loc[(rows["score"] == score) & (rows["over"] == ""), "better"]
    return {"up": "higher", "down": "lower"}.get(found.iloc[0] if len(found) else "", "")


def _find_levels(evaluation: Evaluation, adapter: str, strength: float) -> dict[str, str]:
    rows = evaluation.scores
    return _format_levels(rows[(rows["adapter"] == adapter) & (rows["strength"] == strength)])


def _format_levels(rows: pd.DataFrame) -> dict[str, str]:
    rows = rows[(rows["over"] == "") & rows["value"].notna()]
    return {
        row.score: f"{row.value:.3g}"
        + ("" if pd.isna(row.low) else f"\n{row.low:.3g} to {row.high:.3g}")
        for row in rows.itertuples()
    }


def tabulate_costs(group: Group) -> Table:
    """A row for each adapter."""
    rows = []
    for (label, one), training in zip(group.members, group.trainings, strict=True):
        changes = list_changes(training, group.trainings[0])
        changed = changes if one is not group.first else ""
        rows.append([label, *list_costs(one, training), changed])
    head = ["adapter", *COSTS, f"set otherwise than {group.labels[0]}"]
    return Table("Cost", head, rows)
