"""The chapter on several adapters at once: what each keeps beside others, and what predicts it."""

from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.adapter.composition import BESIDE, find_interference, full_weight
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.value_files import read_values
from workflow_scripts.report.page.blocks import Card, Gallery, Note, Section, Table
from workflow_scripts.report.page.film import Film
from workflow_scripts.report.page.images import read_width

HOW = {  # what is read of the settings.yaml that compose_adapters leaves
    "properties": {
        "empty": {"type": "string"},
        "pairs": {"type": "integer"},
        "rank_correlation": {"type": ["number", "null"]},
    }
}
LEAD = (
    "What an adapter makes better than the base alone, and how much of that is left beside others:"
    " retention 1 is all of it, 0 none, below 0 it is worse than without."
)
NOTE = (
    "Same prompts, seeds and noise throughout; below a value its 95 % interval. A dash: the gain"
    " alone is not clear of 0, so a share of it would be a ratio of noise; in brackets by how much"
    " the gain changes."
)
UNDEFINED = "–"
NAMES = {"heldout_loss": "loss on held-out images"}


def show_composition(film: Film) -> Section | None:
    """The chapter, where compose_adapters was asked for."""
    path = film.results.single("how_composed")
    if path is None:
        return None
    how = read_values(path, HOW)
    if "empty" in how:
        return Section("composition", "Adapters together", LEAD, [Note(how["empty"], "warn")])
    rows = read_manifest(film.results.single("composition"))
    layers = read_manifest(
        film.results.single("composed_layers"), ["layer", "one", "other", "cosine"]
    )
    blocks = [*state_composition(rows), *state_predictor(how), *tabulate(rows), *rank_pairs(layers)]
    return Section("composition", "Adapters together", LEAD, [*blocks, _show_drawings(film)])


def state_composition(rows: pd.DataFrame) -> list[Note]:
    """Who disturbs whom, in sentences; of whom nothing can be said."""
    lost = find_interference(rows)
    notes = [Note(f"{'. '.join(lost)}.", "warn")] if lost else []
    pairs = rows[rows["beside"].ne("") & rows["retention"].notna()]
    if not lost and len(pairs):
        words = "No adapter is shown to lose anything beside one other; intervals are wide where"
        notes.append(Note(f"{words} there are few prompts or shots."))
    gains = rows[rows["beside"].eq("")].groupby("attribute", sort=False)["gain_low"].max()
    silent = [name for name, low in gains.items() if not low > 0]
    if silent:
        words = "Alone they are not shown to be better than the base, so nothing can be lost:"
        notes.append(Note(f"{words} {', '.join(silent)}."))
    return notes


def state_predictor(how: dict[str, Any]) -> list[Note]:
    """Whether the cosine of two adapters' changes tells beforehand what they lose together."""
    found, pairs = how.get("rank_correlation"), how.get("pairs", 0)
    if found is None:
        return []
    words = "Rank correlation of the cosine of two adapters' changes with the held-out loss that"
    return [Note(f"{words} they lose together: {found:+.2f}, of {pairs} pairs.")]


def tabulate(rows: pd.DataFrame) -> list[Table]:
    """Of each score a table: adapters down, their company across; all together at each weight."""
    full, tables = full_weight(rows), []
    together = rows["beside"].str.contains(BESIDE, regex=False)
    company = rows["beside"].mask(together, "all others")
    company = company.where(
        rows["weight"].eq(full), company + rows["weight"].map(" at {:g}".format)
    )
    for score, part in rows.assign(company=company).groupby("score", sort=False):
        names = list(dict.fromkeys(part["attribute"]))
        others = [one for one in dict.fromkeys(part["company"]) if one]
        others.sort(key=lambda one: names.index(one) if one in names else len(names))
        cells = {(row.attribute, row.company): row for row in part.itertuples()}
        body = [
            [name, _gain(cells[name, ""]), *(_kept(cells.get((name, one))) for one in others)]
            for name in names
        ]
        title = f"Retention: {NAMES.get(score, score.replace('_', ' '))}"
        head = ["adapter", "gain alone", *(f"beside {one}" for one in others)]
        tables.append(Table(title, head, body, note=NOTE))
    return tables


def _gain(row: Any) -> str:
    ends = "" if pd.isna(row.gain_low) else f"\n{row.gain_low:.3g} to {row.gain_high:.3g}"
    return f"{row.gain:+.3g}{ends}"


def _kept(row: Any) -> str:
    if row is None:
        return ""
    if pd.isna(row.retention):
        return f"{UNDEFINED}\n({row.change:+.2g})"
    return f"{row.retention:.2f}\n{row.low:.2f} to {row.high:.2f}"


def rank_pairs(layers: pd.DataFrame) -> list[Table]:
    """Pairs by the cosine of their changes, with the layers that are most alike."""
    whole = layers[layers["layer"].eq("") & layers["cosine"].notna()]
    rows = []
    for pair in whole.sort_values("cosine", ascending=False).itertuples():
        own = layers[
            layers["one"].eq(pair.one) & layers["other"].eq(pair.other) & layers["layer"].ne("")
        ].dropna(subset="cosine")
        most = own.loc[own["cosine"].abs().idxmax()] if len(own) else None
        least = "" if most is None else f"{most['cosine']:+.2f}, {most['layer']}"
        rows.append([f"{pair.one} and {pair.other}", f"{pair.cosine:+.3f}", least])
    head = ["pair", "cosine of all changes", "the layer where they are most alike or opposed"]
    return [Table("How alike the adapters' changes are", head, rows, folded=True)] if rows else []


def _show_drawings(film: Film) -> Gallery:
    grid = film.results.single("composed_grid")
    words = "one prompt of each dataset with the triggers of all across; sets of adapters down"
    card = Card([film.page_image(grid, read_width(grid))], Path(grid).name, words)
    return Gallery("Drawn together", [card], 1, "sheet")
