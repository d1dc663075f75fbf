"""One dataset as the report sees it, and what stands out in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workflow_scripts.dataset.dataset_counts import SMALL_SIDE_PX, read_counts
from workflow_scripts.dataset.splits import find_leaks
from workflow_scripts.lib.kinds import Kind, split_name
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.value_files import read_values
from workflow_scripts.report.page.film import Film

ROWS = ["image_id", "frame_id", "file", "split", "repeats", "category", "reason", "caption"]
MEASURES = {  # of analyze_dataset, in words
    "multi_character": "several people",
    "complex_background": "busy background",
    "occluded": "partly hidden",
    "caption_agreement": "captions that name the shot type rightly",
}
SHARES = {  # what analyze_dataset leaves: a row a measure
    "additionalProperties": {
        "type": "object",
        "required": ["share", "recommended", "verdict"],
        "properties": {
            "share": {"type": ["number", "null"]},  # null where none was measured
            "recommended": {
                "type": ["array", "null"],
                "items": {"type": "number"},
                "minItems": 2,
                "maxItems": 2,
            },
        },
    }
}


@dataclass(frozen=True)
class Packed:
    """What pack_dataset and analyze_dataset left of one dataset."""

    name: str
    rows: pd.DataFrame  # of dataset.parquet, with those that were set aside
    counts: dict[str, Any]
    shares: dict[str, Any]  # by measure: share, recommended, n, verdict
    shot_types: pd.Series  # by image_id: what the packed image itself shows

    @property
    def kind(self) -> Kind:
        return split_name(self.name)[0]

    @property
    def chosen(self) -> pd.DataFrame:
        return self.rows[(self.rows["reason"] == "") & (self.rows["split"] != "")]

    @property
    def train(self) -> pd.DataFrame:
        return self.chosen[self.chosen["split"] == "train"]

    @property
    def effective(self) -> int | None:
        """How many of its images are different in effect; None where nobody counted."""
        images = self.counts.get("diversity", {}).get("effective_images")
        return None if images is None else round(images)


def read_dataset(film: Film, name: str) -> Packed:
    """The dataset of that name."""
    results = film.results
    rows = read_manifest(results.path("packed", name), ROWS)
    counts = read_counts(results.path("counts", name))
    shares = read_values(results.path("shares", name), SHARES)
    measured = read_manifest(results.path("balance", name), ["image_id", "shot_type"])
    return Packed(name, rows, counts, shares, measured.set_index("image_id")["shot_type"])


def find_empty(film: Film) -> dict[str, str]:
    """What kept every image out, by the name of each dataset that is empty."""
    counts = {name: read_counts(film.results.path("counts", name)) for name in film.datasets}
    return {
        name: say_empty(name, row["candidates"], row["empty"])
        for name, row in counts.items()
        if row.get("empty")
    }


def say_empty(name: str, candidates: int, why: Sequence[str]) -> str:
    """Why a dataset holds no image, and what would let images in."""
    said = f"Of {candidates} candidates for {name} none is in it; none was invented."
    return f"{said} What kept them out, and what would let them in: {'; '.join(why)}."


def name_measure(name: str) -> str:
    """A measure of the balance in words."""
    return MEASURES.get(name, name.replace("_", " "))


def say_share(row: dict[str, Any]) -> str:
    """ "2%, wanted 5% to 10%" of a measured share."""
    share = f"{row['share']:.0%}"
    if not row["recommended"]:
        return share
    low, high = row["recommended"]
    return f"{share}, wanted {low:.0%} to {high:.0%}"


def say_small(counts: dict[str, Any]) -> str:
    """How many images have a side that training would enlarge; "" if none."""
    crops = counts.get("crops", {})
    small = crops.get(f"under_{SMALL_SIDE_PX}_px", 0)
    if not small:
        return ""
    share = crops[f"under_{SMALL_SIDE_PX}_px_share"]
    words = f"{small} of {counts['in_dataset']} images ({share:.0%}) have a side shorter than "
    return f"{words}{SMALL_SIDE_PX} px"


def find_shared(film: Film, chosen: pd.DataFrame) -> tuple[int, int]:
    """Shots and duplicate groups on both sides of the split, joined anew: nothing is trusted."""
    frames = film.results.frames()[["frame_id", "shot_id"]]
    groups = film.results.table("groups", ["frame_id", "group"])
    rows = chosen[["frame_id", "split"]].merge(frames, "left").merge(groups, "left")
    leaks = find_leaks(rows, ["shot_id", "group"])
    return len(leaks["shot_id"]), len(leaks["group"])


def find_remarks(film: Film, dataset: Packed) -> list[str]:
    """What a user would mend, the gravest first; [] where nothing stands out."""
    if not len(dataset.chosen):
        return ["it is empty: see above"]
    remarks = []
    if any(find_shared(film, dataset.chosen)):
        remarks.append("held-out images share shots with those for training")
    if len(dataset.train) == len(dataset.chosen):
        remarks.append("nothing is held out: nobody can say whether it is learned by heart")
    remarks += [small] if (small := say_small(dataset.counts)) else []
    for verdict, words in (("below", "few"), ("above", "many")):
        names = [name for name, row in dataset.shares.items() if row["verdict"] == verdict]
        said = [f"{name_measure(name)} {dataset.shares[name]['share']:.0%}" for name in names]
        remarks += [f"{words}: {', '.join(said)}"] if said else []
    return remarks
