"""The phases of a dataset on the tiny film of tests/factories/tables.py, called as the rules do."""

import json
from pathlib import Path

import pandas as pd

from workflow_scripts.dataset import pack_dataset, select_images, write_captions
from workflow_scripts.lib.kinds import KINDS, split_name
from workflow_scripts.plan.config import read_shipped
from workflow_scripts.plan.inputs import choose_limits

VOCABULARY = "resources/vocabularies/captions.yaml"
CONFIG = read_shipped()
CHARACTERS = {
    "nella": {"trigger": "nella", "class": "woman"},
    "bruno": {"trigger": "bruno", "class": "man"},
}
STYLE = {"trigger": "kitetide style", "words": ["3d animation"]}
DATASETS = ["character-nella", *(name for name in KINDS if name != "character")]


def make_limits(dataset, **changes):
    """The options of select_images as the rule passes them, with changes of the block."""
    return choose_limits(CONFIG["select_images"] | changes, dataset)


def select(film, out, dataset, **changes):
    """Counts of select_images and its table, which lies in `out`."""
    kind, _ = split_name(dataset)
    counts = select_images.main(
        film["frames"],
        film["texts"],
        str(out),
        dataset=dataset,
        limits=make_limits(dataset, **changes),
        seed=7,
        decisions=film["decisions"],
        groups=film["groups"],
        **{name: [film[name]] for name in kind.chosen_by},
    )
    return counts, pd.read_parquet(out)


def caption(
    film,
    out,
    dataset,
    *,
    characters=CHARACTERS,
    style=STYLE,
    triggers=None,
    overlay_text="crop",
    **more,
):
    """Counts of write_captions and its table, which lies in `out`."""
    kind, _ = split_name(dataset)
    counts = write_captions.main(
        film["frames"],
        film["texts"],
        VOCABULARY,
        str(out),
        dataset=dataset,
        film="tiny",
        characters=characters,
        style=style,
        triggers=triggers or {},
        overlay_text=overlay_text,
        **{name: [film[name]] for name in kind.words},
        **more,
    )
    return counts, pd.read_parquet(out)


def pack(film, out, dataset, **changes):
    """Counts of pack_dataset, its rows and its counts.json; selection and captions lie beside."""
    kind, _ = split_name(dataset)
    out = Path(out)
    selection, captions = (out.with_name(f"{out.name}.{w}.parquet") for w in ("selected", "said"))
    triggers = changes.pop("triggers", {})
    own = {name: changes.pop(name) for name in CONFIG["pack_dataset"] if name in changes}
    select(film, selection, dataset, **changes)
    caption(
        film, captions, dataset, triggers=triggers, overlay_text=changes.get("overlay_text", "crop")
    )
    counts = pack_dataset.main(
        str(selection),
        str(captions),
        film["frames"],
        film["images"],
        VOCABULARY,
        str(out),
        name=dataset,
        film="tiny",
        characters=CHARACTERS,
        style=STYLE,
        triggers=triggers,
        options=CONFIG["pack_dataset"] | own,
        seed=7,
        masks=[film[kind.masks]] if kind.masks else [],
        backgrounds=[film["backgrounds"]] if kind.shows == "plate" else [],
        plates=[film["plates"]] if kind.shows == "plate" else [],
    )
    rows = pd.read_parquet(out / "dataset.parquet")
    return counts, rows, json.loads((out / "counts.json").read_text(encoding="utf-8"))
