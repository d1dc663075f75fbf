"""The chapter on datasets: their images and captions, their balance, the check of the split."""

from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from workflow_scripts.dataset.dataset_counts import describe_overlays
from workflow_scripts.report.page.blocks import (
    Bar,
    Bars,
    Card,
    Columns,
    Figures,
    Gallery,
    Note,
    Section,
    Tabs,
)
from workflow_scripts.report.page.film import Film
from workflow_scripts.report.page.image_lists import SPLITS, list_images
from workflow_scripts.report.page.images import pick_evenly
from workflow_scripts.report.page.packed import (
    Packed,
    find_shared,
    name_measure,
    read_dataset,
    say_empty,
    say_share,
    say_small,
)

CUT_OUT = (
    "Less is left around a figure than its frame had: a wide shot, cut out, may show a full body."
    " The shares beside count what the cut-out image shows."
)
MEASURED = "Measured in the images themselves, with repeats. Shaded: what is recommended."


def show_datasets(film: Film) -> Section:
    """One tab per dataset: counts, balance, captions, held-out check."""
    tabs = [(name, _show_dataset(film, name)) for name in film.datasets]
    lead = "Each is a folder with files for kohya's sd-scripts, ai-toolkit, OneTrainer, "
    lead += "diffusion-pipe, musubi-tuner and SimpleTuner; Hugging Face's datasets read it too: "
    lead += f"results/{film.name}/datasets/."
    return Section("datasets", "The datasets", lead, [Tabs("dataset", tabs)])


def _show_dataset(film: Film, name: str) -> list:
    dataset = read_dataset(film, name)
    images = list_images(film, name, dataset.kind.name, dataset.rows)
    if not len(dataset.chosen):
        why = dataset.counts.get("empty", [])
        return [Note(say_empty(name, len(dataset.rows), why), "warn"), images]
    return [
        _show_figures(dataset),
        Columns([_show_categories(dataset), *_show_balance(dataset)]),
        *_warn_of_small(dataset.counts),
        *_show_overlays(dataset.counts),
        _check_split(film, dataset),
        _show_samples(film, dataset),
        images,
    ]


def _show_figures(dataset: Packed) -> Figures:
    trigger = dataset.counts.get("trigger", "")
    train = dataset.train
    figures = [
        (f"{len(train)}", "images to train"),
        (f"{dataset.effective or ''}", "different in effect"),
        (f"{int(train['repeats'].sum())}", "with repeats"),
        (f"{len(dataset.chosen) - len(train)}", "held out"),
        (trigger, "calls it"),
    ]
    return Figures([(value, words) for value, words in figures if value])


def _show_overlays(counts: dict[str, Any]) -> list[Note]:
    said = describe_overlays(counts.get("overlay_text", {}))
    return [Note(f"{said[0].upper()}{said[1:]}.")] if said else []


def _warn_of_small(counts: dict[str, Any]) -> list[Note]:
    """How many images are so small that trainers which enlarge them learn them blurred."""
    words = ": they show little detail, and a trainer that enlarges them learns them blurred."
    return [Note(f"{small}{words}", "warn")] if (small := say_small(counts)) else []


def _show_categories(dataset: Packed) -> Bars:
    """Images of each category, and what repeats make of them."""
    train = dataset.train
    seen = train.groupby("category")["repeats"].agg(["size", "sum"]).sort_values("sum")[::-1]
    total = max(int(seen["sum"].sum()), 1)
    bars = [
        Bar(
            str(name).replace("_", " ") or "unknown",
            float(row["sum"] / total),
            f"{row['size']} images, seen {row['sum']} times{_say_cut(dataset, str(name))}",
        )
        for name, row in seen.iterrows()
    ]
    by = dataset.kind.category.replace("_", " ")
    note = "Rare categories are repeated."
    if dataset.kind.category == "shot_type":
        by, note = "shot type of the film's frame", f"{note} {CUT_OUT}"
    return Bars(f"What an epoch shows, by {by}", bars, note)


def _say_cut(dataset: Packed, shot_type: str) -> str:
    """ "; cut out: 8 full, 1 medium" where images show another shot type than their frames."""
    if dataset.kind.category != "shot_type":
        return ""
    ids = dataset.train.loc[dataset.train["category"] == shot_type, "image_id"]
    shown = ids.map(dataset.shot_types).value_counts()
    if set(shown.index) <= {shot_type}:
        return ""
    return f"; cut out: {', '.join(f'{n} {name}' for name, n in shown.items())}"


def _show_balance(dataset: Packed) -> list[Bars]:
    """Measured shares of what training sees, beside the ranges that analyze_dataset knows."""
    bars = []
    for name, row in dataset.shares.items():
        if row["share"] or row["recommended"]:
            low, high = row["recommended"] or (None, None)
            bars.append(Bar(name_measure(name), row["share"], say_share(row), low, high))
    return (
        [Bars("What the images show, beside the recommended ranges", bars, MEASURED)]
        if bars
        else []
    )


def _check_split(film: Film, dataset: Packed) -> Note:
    shots, groups = find_shared(film, dataset.chosen)
    if shots or groups:
        words = f"Held-out images share {shots} shot(s) and {groups} duplicate group(s) with those"
        return Note(f"{words} for training: figures on them flatter.", "warn")
    frames = film.results.frames_by_id()
    held_out = dataset.chosen.loc[dataset.chosen["split"] == "validation", "frame_id"]
    words = "Held-out check: no shot and no duplicate group is on both sides"
    return Note(f"{words} (shots held out: {held_out.map(frames['shot_id']).nunique()}).", "good")


def _show_samples(film: Film, dataset: Packed) -> Gallery:
    folder = film.results.path("dataset", dataset.name)
    size = max(1, film.look.gallery_size // 2)
    samples = pick_evenly(list(dataset.chosen.itertuples(index=False)), size)
    ids = {row.image_id for row in samples}
    tokens = film.results.rows("captions", ["image_id", "tokens"], ids, dataset.name)
    tokens = tokens.set_index("image_id")["tokens"]
    cards = []
    for row in samples:
        note = f"{row.image_id}, {SPLITS[row.split]}, {tokens.get(row.image_id, '?')} tokens"
        words = highlight(row.caption, dataset.counts.get("trigger", ""))
        image = film.page_image(folder / row.file)
        cards.append(Card([image], Path(row.file).name, note, caption=words))
    return Gallery("Images and captions", cards, len(dataset.chosen), "story")


def highlight(caption: str, trigger: str) -> Markup:
    """The caption with its trigger word marked; everything in it is escaped."""
    if trigger and caption.startswith(trigger):
        return Markup("<mark>{}</mark>{}").format(trigger, caption[len(trigger) :])
    return escape(caption)
