"""Figures about captions and packed datasets: are the words true, is the held-out set held out.

A clause is judged where the truth knows its fact: who, action, emotion, eyes, mouth, brows, time of
day, weather (out of doors), indoor or outdoor; clauses about a person nobody is, count as wrong.
Frames that a viewer cannot judge (fades, blurred on purpose) and title cards are left out. A leak
is a shot, a duplicate group or a true drawing that both the training and the held-out set of one
dataset hold. Near-repeats and the effective number of images are those of each counts.json.
"""

from pathlib import Path

import pandas as pd

from workflow_scripts.dataset.dataset_counts import read_counts
from workflow_scripts.dataset.splits import find_leaks
from workflow_scripts.dataset.vocabulary import read_vocabulary
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.tables import find
from workflow_scripts.report.accuracy.features import PARTS, find_true_features
from workflow_scripts.report.accuracy.matching import match_people, select_frames
from workflow_scripts.report.accuracy.truth import Metric, Truth, read_result

VOCABULARY = Path(__file__).resolve().parents[3] / "resources" / "vocabularies" / "captions.yaml"
FACTS = {  # source of a clause -> the fact it states
    "identify_characters.character": "who",
    "classify_poses.action": "action",
    "classify_expressions.emotion": "emotion",
    **{f"classify_expressions.{part}": part for part in PARTS},
    "classify_lighting.time_of_day": "time_of_day",
    "classify_lighting.weather": "weather",
    "classify_lighting.indoor": "indoor",
}


def measure(results: Path, truth: Truth) -> dict[str, Metric]:
    """Leaks of all datasets; captions right, of all images and of those that were packed."""
    paths = find("packed", results)
    metrics = {}
    frames = read_result(results, "frames")
    if frames is None:
        return metrics
    if paths:
        metrics["held_out_leak"] = measure_leaks(paths, frames, truth)
    metrics |= measure_variety(find("counts", results))
    captions = read_result(results, "captions", ["image_id", "kind", "tags"])
    if captions is None or captions.empty:
        return metrics
    claims = judge_claims(list_claims(captions, truth), results, frames, truth)
    packed = [_list_packed(path) for path in paths]
    return metrics | summarize_claims(claims, pd.concat(packed) if packed else None)


def measure_leaks(paths: list[Path], frames: pd.DataFrame, truth: Truth) -> Metric:
    """Shots, duplicate groups and true drawings on both sides, summed over datasets."""
    drawings = truth.frames.set_index("frame_no")["unique_render_id"]
    shown = drawings.loc[truth.frame_numbers(frames["time_s"])].to_numpy()
    drawing_of = dict(zip(frames["frame_id"], shown, strict=True))
    leaks, split = 0, 0
    for path in paths:
        rows = read_manifest(path, ["frame_id", "shot_id", "group", "split"])
        rows["drawing"] = rows["frame_id"].map(drawing_of)
        shared = find_leaks(rows[rows["split"] != ""], ["shot_id", "group", "drawing"])
        leaks += sum(map(len, shared.values()))
        split += bool((rows["split"] == "validation").any())
    return Metric(leaks, split, 0, at_least=False)


def measure_variety(paths: list[Path]) -> dict[str, Metric]:
    """Near-repeats among the training images of all datasets, and what they amount to."""
    found = [read_counts(path).get("diversity", {}) for path in paths]
    images = sum(one["images"] for one in found if one)
    if not images:
        return {}
    repeats = sum(one["near_repeats"] for one in found if one)
    different = sum(one["effective_images"] for one in found if one)
    return {
        "packed_near_repeats": Metric(repeats / images, images, 0.1, at_least=False),
        "packed_effective_share": Metric(different / images, images),
    }


def _list_packed(path: Path) -> pd.DataFrame:
    rows = read_manifest(path, ["image_id", "split"]).query("split != ''")
    return rows[["image_id"]].assign(kind=path.parent.name.partition("-")[0])


def list_claims(captions: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """Every judgeable clause as image_id, kind, fact and the value that it states."""
    words = read_vocabulary(VOCABULARY)["words"]
    values = {
        fact: {text: value for value, text in words.get(fact, {}).items() if text}
        for fact in FACTS.values()
    }
    people = [who.lower() for who in truth.screenplay["characters"]]
    claims = []
    for row in captions.itertuples():
        for place, tag in enumerate(row.tags):
            fact = FACTS.get(tag["source"])
            if row.kind == "character" and place == 0:
                fact = "who"
            if fact == "who":
                value = next((who for who in people if tag["text"].startswith(who)), None)
            else:
                value = values[fact].get(tag["text"]) if fact else None
            if value is not None:
                claims.append((row.image_id, row.kind, fact, value))
    return pd.DataFrame(claims, columns=["image_id", "kind", "fact", "value"])


def judge_claims(
    claims: pd.DataFrame, results: Path, frames: pd.DataFrame, truth: Truth
) -> pd.DataFrame:
    """Add `right`; claims about images that nobody can judge are left out."""
    judged = select_frames(frames, truth)
    table = truth.frames.set_index("frame_no").loc[judged["truth_no"]]
    table.index = judged["frame_id"]
    table = table[table["is_title"] == 0]
    claims = claims.assign(frame_id=claims["image_id"].str.replace(r"_i\d+$", "", regex=True))
    claims = claims[claims["frame_id"].isin(table.index)]
    people = _match(results, judged, truth)
    known = {
        **_frame_facts(table),
        **{(one.instance_id, "who"): {one.character.lower()} for one in people.itertuples()},
        **{(one.instance_id, "action"): {one.action} for one in people.itertuples()},
        **{(one.instance_id, "emotion"): {one.expression} for one in people.itertuples()},
    }
    if (features := find_true_features(truth)) is None:
        claims = claims[~claims["fact"].isin(PARTS)]
    else:
        known |= _face_facts(people, features)
    there = truth.instances.groupby("frame_no")["character"].agg(lambda who: set(who.str.lower()))
    for frame in judged.itertuples():
        known[(frame.frame_id, "who")] = there.get(frame.truth_no, set())
    expected = [
        known.get((row.image_id, row.fact), known.get((row.frame_id, row.fact)))
        if row.fact in ("time_of_day", "weather", "indoor")
        else known.get((row.image_id, row.fact), set())
        for row in claims.itertuples()
    ]
    claims = claims.assign(expected=expected)
    claims = claims[claims["expected"].notna()]
    right = [row.value in row.expected for row in claims.itertuples()]
    return claims.assign(right=right)


def _match(results: Path, judged: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    instances = read_result(results, "instances")
    if instances is None:
        return pd.DataFrame(columns=["instance_id", "character", "action", "expression"])
    people, _ = match_people(judged, instances, truth)
    return people[people["instance_id"] != ""]


def _frame_facts(table: pd.DataFrame) -> dict[tuple[str, str], set[str]]:
    """True values by (frame_id, fact); weather only out of doors, where it shows."""
    facts = {}
    for frame_id, row in table.iterrows():
        indoor = bool(row["indoor"])
        facts[(frame_id, "time_of_day")] = {row["time_of_day"]}
        facts[(frame_id, "indoor")] = {"indoor" if indoor else "outdoor"}
        if not indoor:
            facts[(frame_id, "weather")] = {row["weather"]}
    return facts


def _face_facts(people: pd.DataFrame, features: pd.DataFrame) -> dict[tuple[str, str], set[str]]:
    """True words by (instance_id, fact) for eyes, mouth and brows."""
    table = people.merge(features, on=["frame_no", "character"])
    return {
        (row.instance_id, part): {getattr(row, part)}
        for row in table.itertuples()
        for part in PARTS
    }


def summarize_claims(claims: pd.DataFrame, packed: pd.DataFrame | None) -> dict[str, Metric]:
    """Share of right clauses, in all, by fact, and in the packed datasets."""
    if claims.empty:
        return {}
    metrics = {"caption_facts_correct": _share(claims["right"], 0.9)}
    for fact, group in claims.groupby("fact"):
        metrics[f"caption_{fact}_correct"] = _share(group["right"])
    if packed is not None:
        chosen = claims.merge(packed, on=["image_id", "kind"])
        metrics["packed_caption_facts_correct"] = _share(chosen["right"], 0.9)
    return metrics


def _share(right: pd.Series, goal: float | None = None) -> Metric:
    return Metric(float(right.mean()) if len(right) else 0.0, len(right), goal)
