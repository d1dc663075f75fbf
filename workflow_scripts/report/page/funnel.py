"""From sampled frames to datasets: how many are left, why, and that it adds up."""

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.renewal import format_renewal
from workflow_scripts.report.page.results import Results

WORDS = {
    "held": "the same drawing, held",
    "duplicate": "near-duplicate",
    "unreadable": "not readable",
    "not_an_image": "no image",
    "no_character": "in no folder of a character",
    "fade": "within a fade",
    "dissolve": "within a dissolve",
    "combed": "combed: two moments at once",
    "blurred": "blurred",
    "dark": "too dark",
    "bright": "too bright",
    "flat": "too little contrast",
    "small": "too small",
    "odd_color": "odd colors",
    "text": "text in the image",
    "no_face": "no face seen",
    "no_joints": "no joint seen",
    "no_image": "no image written",
    "not_this_character": "another character",
    "unknown_character": "nobody the roster knows",
    "unsure": "not sure enough",
    "nobody": "nobody, says a person",
    "unknown_action": "it is not clear what the body does",
    "unknown_lighting": "it is not clear how it is lit",
    "too_small": "figure or face too small",
    "unsure_expression": "expression not sure enough",
    "low_score": "measured with too little certainty",
    "occluded": "hidden by others",
    "same_pose": "the same pose again",
    "near_repeat": "nearly the same image again",
    "overlay_text": "subtitles or a watermark where they cannot be cut off",
    "duplicate_view": "the same view again",
    "character_left": "a character is left in it",
    "too_much_covered": "people cover too much of it",
    "too_much_painted": "too much of it had to be painted",
    "something_moving": "something moves where nobody was found",
    "over_quota": "enough of its category already",
}


@dataclass(frozen=True)
class Funnel:
    """What went in, what was set aside by reason, what came out by split; checked to add up."""

    name: str
    unit: str
    read: int
    aside: dict[str, int]
    kept: dict[str, int]

    def __post_init__(self) -> None:
        told = self.left + sum(self.aside.values())
        if self.read != told:
            raise CineloraError(
                f"The funnel of {self.name} does not add up: {self.read} {self.unit} went in,\n"
                f"  but kept {self.kept} and set aside {self.aside} make {told}.\n"
                "  Rows were lost or doubled on the way; please report it."
            )

    @property
    def left(self) -> int:
        return sum(self.kept.values())

    @property
    def sum_line(self) -> str:
        """The sum as a person would write it down."""
        parts = [str(self.left), *(str(n) for n in self.aside.values())]
        return f"{' + '.join(parts)} = {self.read} {self.unit}"


def format_reason(reason: str) -> str:
    """A reason in words; one that is new here keeps its own name."""
    return WORDS.get(reason, reason.replace("_", " "))


def count_frames(results: Results) -> Funnel:
    """Sampled frames, and what filter_frames made of them."""
    frames = results.frames()
    undecided = frames.loc[frames["reason"].isna(), "frame_id"]
    if len(undecided):
        raise CineloraError(
            f"filter_frames decided nothing on {len(undecided)} of {len(frames)} sampled frames,\n"
            f"  for example {undecided.iloc[0]}. {format_renewal('filter_frames')}"
        )
    aside = frames.loc[frames["reason"] != "", "reason"].value_counts()
    kept = int((frames["reason"] == "").sum())
    return Funnel("frames", "frames", len(frames), _plain(aside), {"kept": kept})


def count_dataset(results: Results, dataset: str, kind: str) -> Funnel:
    """All frames, or all instances, of the film, and what became of each in one dataset."""
    fates = trace_images(results, dataset, kind)
    aside = fates.loc[fates["reason"] != "", "reason"].value_counts()
    splits = fates.loc[fates["reason"] == "", "split"]
    kept = {name: int((splits == name).sum()) for name in ("train", "validation")}
    unit = "frames" if KINDS[kind].is_of_frames else "instances"
    return Funnel(dataset, unit, len(fates), _plain(aside), kept)


def trace_images(results: Results, dataset: str, kind: str) -> pd.DataFrame:
    """One row per image that the film offers: image_id, split, reason.

    Images without a row in the dataset get the reason of the phase that stopped them earlier.
    """
    rows = read_manifest(results.path("packed", dataset), ["image_id", "split", "reason"])
    offered = _offer_images(results, kind, dataset)
    _check_origin(rows["image_id"], offered["image_id"], dataset)
    fates = offered.merge(rows, on="image_id", how="left")
    fates["reason"] = fates["reason"].fillna(fates.pop("before"))
    lost = fates[(fates["reason"] == "") & ~fates["split"].isin(["train", "validation"])]
    if len(lost):
        raise CineloraError(
            f"datasets/{dataset}: {len(lost)} of {len(fates)} images are neither in the dataset\n"
            f"  nor set aside with a reason, for example {lost['image_id'].iloc[0]}."
        )
    return fates


def _check_origin(rows: pd.Series, offered: pd.Series, dataset: str) -> None:
    strange = rows[rows.duplicated() | ~rows.isin(offered)]
    if len(strange):
        raise CineloraError(
            f"datasets/{dataset}: {len(strange)} images stand twice in it or are not of this film,"
            f"\n  for example {strange.iloc[0]}."
        )


def _offer_images(results: Results, kind: str, dataset: str) -> pd.DataFrame:
    """image_id, and in `before` why an image never came to be packed ("": no cause)."""
    frames = results.frames()
    if KINDS[kind].is_of_frames:
        return frames[["frame_id", "reason"]].set_axis(["image_id", "before"], axis=1)
    people = results.people()
    reasons = frames.set_index("frame_id")["reason"]
    before = people["frame_id"].map(reasons)
    if dataset != kind:  # of one character
        before = _first(before, _name_reasons(people, dataset.removeprefix("character-")))
    if KINDS[kind].shows == "face":
        seen = results.table("faces", ["instance_id"])["instance_id"]
        before = _first(before, people["instance_id"].isin(seen).map({True: "", False: "no_face"}))
    return pd.DataFrame({"image_id": people["instance_id"], "before": before})


def _name_reasons(people: pd.DataFrame, character: str) -> pd.Series:
    """Why an instance is none of this character."""
    nobody = people["who_reason"].where(people["who_reason"] != "", "unknown_character")
    other = people["character"].map(lambda name: "not_this_character" if name else None)
    return other.fillna(nobody).where(people["character"] != character, "")


def _first(first: pd.Series, second: pd.Series) -> pd.Series:
    return first.where(first != "", second)


def _plain(counts: pd.Series) -> dict[str, int]:
    return {str(reason): int(n) for reason, n in counts.items()}


def list_reasons(funnels: list[Funnel]) -> list[str]:
    """Every reason of several funnels, the most frequent first."""
    total: Counter[str] = Counter()
    for funnel in funnels:
        total.update(funnel.aside)
    return [reason for reason, _ in total.most_common()]
