"""Chapters on what a user takes away: datasets with captions and balance, adapters with scores."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from markupsafe import Markup, escape

from workflow_scripts.dataset.dataset_counts import SMALL_SIDE_PX, describe_overlays
from workflow_scripts.dataset.splits import find_leaks
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.report.page.blocks import (
    Bar,
    Bars,
    Card,
    Chart,
    Columns,
    Figures,
    Gallery,
    Note,
    Section,
    Table,
    Tabs,
)
from workflow_scripts.report.page.charts import draw_curves
from workflow_scripts.report.page.film import Film
from workflow_scripts.report.page.images import pick_evenly, read_small

NOT_TRAINED = "Its dataset is empty, so nothing was trained; the file holds no weights."
SAMPLE_PX = 260
GRID_PX = 1100
ROWS = ["image_id", "frame_id", "file", "split", "repeats", "category", "reason", "caption"]


def show_datasets(film: Film) -> Section:
    """One tab per dataset: counts, balance, captions, held-out check."""
    tabs = [(name, _show_dataset(film, name)) for name in film.datasets]
    lead = "Each is a folder with files for kohya's sd-scripts, ai-toolkit, OneTrainer, "
    lead += "diffusion-pipe, musubi-tuner and SimpleTuner; Hugging Face's datasets read it too: "
    lead += f"results/{film.name}/datasets/."
    return Section("datasets", "The datasets", lead, [Tabs(tabs)])


def _show_dataset(film: Film, name: str) -> list:
    rows = read_manifest(film.results.path("packed", name), ROWS)
    chosen = rows[(rows["reason"] == "") & (rows["split"] != "")]
    counts = _read_json(film.results.path("counts", name))
    if not len(chosen):
        return [Note(say_empty(name, len(rows), counts.get("empty", [])), "warn")]
    train = chosen[chosen["split"] == "train"]
    trigger, overlays = counts.get("trigger", ""), counts.get("overlay_text", {})
    diversity = counts.get("diversity", {})
    figures = [
        (f"{len(train)}", "images to train"),
        *([(f"{diversity['effective_images']:.0f}", "different in effect")] if diversity else []),
        (f"{int(train['repeats'].sum())}", "with repeats"),
        (f"{len(chosen) - len(train)}", "held out"),
        *([(trigger, "calls it")] if trigger else []),
    ]
    balance = read_balance(_read_json(film.results.path("shares", name)))
    return [
        Figures(figures),
        Columns([_show_categories(train), *([balance] if balance else [])]),
        *_warn_of_small(counts),
        *([Note(f"{said[0].upper()}{said[1:]}.")] if (said := describe_overlays(overlays)) else []),
        _check_leak(film, chosen),
        _show_samples(film, name, chosen, trigger),
    ]


def list_empty(film: Film) -> dict[str, str]:
    """What kept every image out, by the name of each dataset that is empty."""
    empty = {}
    for name in film.datasets:
        counts = _read_json(film.results.path("counts", name))
        if counts.get("empty"):
            empty[name] = say_empty(name, counts["candidates"], counts["empty"])
    return empty


def say_empty(name: str, candidates: int, why: Sequence[str]) -> str:
    """Why a dataset holds no image, and what would let images in."""
    said = f"Of {candidates} candidates for {name} none is in it; none was invented."
    return f"{said} What kept them out, and what would let them in: {'; '.join(why)}."


def _warn_of_small(counts: dict[str, Any]) -> list[Note]:
    """How many images are so small that trainers which enlarge them learn them blurred."""
    crops = counts.get("crops", {})
    small = crops.get(f"under_{SMALL_SIDE_PX}_px", 0)
    if not small:
        return []
    share = crops[f"under_{SMALL_SIDE_PX}_px_share"]
    said = f"{small} of {counts['in_dataset']} images ({share:.0%}) have a side shorter than "
    return [
        Note(
            f"{said}{SMALL_SIDE_PX} px: they show little detail, and a trainer that enlarges them"
            " learns them blurred.",
            "warn",
        )
    ]


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _show_categories(train: pd.DataFrame) -> Bars:
    """Images of each category, and what repeats make of them."""
    seen = train.groupby("category")["repeats"].agg(["size", "sum"]).sort_values("sum")[::-1]
    total = max(int(seen["sum"].sum()), 1)
    bars = [
        Bar(
            str(name).replace("_", " ") or "unknown",
            float(row["sum"] / total),
            f"{row['size']} images, seen {row['sum']} times",
        )
        for name, row in seen.iterrows()
    ]
    return Bars("What an epoch shows", bars, "Rare categories are repeated.")


def read_balance(balance: dict[str, Any]) -> Bars | None:
    """Measured shares of what training sees, beside the ranges that analyze_dataset knows."""
    bars = []
    for name, row in balance.items():
        if not row["share"] and not row["recommended"]:
            continue
        low, high = row["recommended"] or (None, None)
        words = f"{row['share']:.0%}" + (
            f", wanted {low:.0%} to {high:.0%}" if row["recommended"] else ""
        )
        bars.append(Bar(name.replace("_", " "), row["share"], words, low, high))
    return Bars("Measured, beside the recommended ranges", bars) if bars else None


def _check_leak(film: Film, chosen: pd.DataFrame) -> Note:
    """Join splits with shots and duplicate groups anew; what pack_dataset wrote is not trusted."""
    frames = film.results.frames()[["frame_id", "shot_id"]]
    groups = film.results.table("groups", ["frame_id", "group"])
    rows = chosen[["frame_id", "split"]].merge(frames, "left").merge(groups, "left")
    leaks = find_leaks(rows, ["shot_id", "group"])
    if any(leaks.values()):
        words = f"Held-out images share {len(leaks['shot_id'])} shot(s) and {len(leaks['group'])} "
        return Note(
            words + "duplicate group(s) with those for training: figures on them flatter.", "warn"
        )
    shots = rows.loc[rows["split"] == "validation", "shot_id"].nunique()
    words = "Held-out check: no shot and no duplicate group is on both sides"
    return Note(f"{words} (shots held out: {shots}).", "good")


def _show_samples(film: Film, name: str, chosen: pd.DataFrame, trigger: str) -> Gallery:
    folder = film.results.path("dataset", name)
    size = max(1, film.look.gallery_size // 2)
    samples = pick_evenly(list(chosen.itertuples(index=False)), size)
    ids = {row.image_id for row in samples}
    tokens = film.results.rows("captions", ["image_id", "tokens"], ids, name)
    tokens = tokens.set_index("image_id")["tokens"]
    cards = []
    for row in samples:
        image = film.look.uri(read_small(folder / row.file, SAMPLE_PX), SAMPLE_PX)
        note = f"{row.split}, {tokens.get(row.image_id, '?')} tokens"
        words = highlight(row.caption, trigger)
        cards.append(Card([image], Path(row.file).name, note, caption=words))
    return Gallery("Images and captions", cards, len(chosen), "story")


def highlight(caption: str, trigger: str) -> Markup:
    """The caption with its trigger word marked; everything in it is escaped."""
    if trigger and caption.startswith(trigger):
        return Markup("<mark>{}</mark>{}").format(trigger, caption[len(trigger) :])
    return escape(caption)


def show_adapters(film: Film) -> Section:
    """Loss curves of all adapters side by side; then settings, scores and drawings of each."""
    empty = list_empty(film)
    curves = [_show_curve(film, name) for name in film.datasets if name not in empty]
    tabs = [
        (name, [Note(NOT_TRAINED, "warn")] if name in empty else _show_scores(film, name))
        for name in film.datasets
    ]
    lead = "One adapter per dataset, in the names that kohya, ComfyUI, A1111 and diffusers read: "
    lead += f"results/{film.name}/adapters/."
    return Section("adapters", "The adapters", lead, [Columns(curves), Tabs(tabs)])


def _show_curve(film: Film, name: str) -> Chart:
    columns = ["step", "loss", "validation_loss"]
    metrics = read_manifest(film.results.path("metrics", name), columns).astype(float)
    drawing = draw_curves(*(metrics[column].to_numpy(np.float64) for column in columns))
    held_out = metrics["validation_loss"].dropna()
    note = "Gray: while training. Orange: held-out images"
    note += f", {held_out.iloc[0]:.4g} to {held_out.iloc[-1]:.4g}." if len(held_out) else ": none."
    return Chart(name, drawing, note)


def _show_scores(film: Film, name: str) -> list:
    results = film.results
    settings = yaml.safe_load(results.path("settings", name).read_text(encoding="utf-8"))
    scores = read_manifest(results.path("scores", name))
    size = results.path("adapter", name).stat().st_size
    plain = {key: value for key, value in settings.items() if isinstance(value, str | int | float)}
    about = [(key.replace("_", " "), str(value)) for key, value in plain.items()]
    about.append(("file", f"{size / 1e6:.2f} MB"))
    tables = [
        _tabulate_scores(scores),
        Table("How it was trained", ["setting", "value"], about, folded=True),
    ]
    grid = read_small(results.path("grid", name), GRID_PX)
    card = Card(
        [film.look.uri(grid, GRID_PX)],
        "grid.png",
        "prompts and seeds across, strength of the adapter down",
    )
    return [Gallery("Drawn with and without the adapter", [card], 1, "sheet"), *tables]


def _tabulate_scores(scores: pd.DataFrame) -> Table:
    """One row a score, one column a strength of the adapter; 0 is the base model alone."""
    scores = scores.dropna(subset=["value"])
    strengths = sorted(scores["strength"].dropna().unique())
    rows = []
    for name, group in scores.groupby("score", sort=False):
        values = {row.strength: _format_score(row) for row in group.itertuples()}
        alone = [_format_score(row) for row in group.itertuples() if pd.isna(row.strength)]
        better = {"up": "higher", "down": "lower"}.get(group["better"].iloc[0], "")
        cells = [*(values.get(strength, "") for strength in strengths), " ".join(alone)]
        rows.append([name.replace("_", " "), *cells, better, group["note"].iloc[0]])
    head = [f"strength {strength:g}" if strength else "base alone" for strength in strengths]
    note = "Below a value: its 95 % interval. What could not be measured has no row."
    return Table("Scores", ["score", *head, "dataset alone", "better", ""], rows, note=note)


def _format_score(row: Any) -> str:
    """0.41, below it 0.38 to 0.44; "" where nothing could be measured."""
    if pd.isna(row.value):
        return ""
    return f"{row.value:.3g}" + ("" if pd.isna(row.low) else f"\n{row.low:.3g} to {row.high:.3g}")


def has_random_base(film: Film) -> bool:
    """Whether any adapter was trained on random weights."""
    paths = film.results.paths("scores")
    tables = [read_manifest(path, ["base_is_random"]) for path in paths]
    return any(bool(table["base_is_random"].any()) for table in tables)
