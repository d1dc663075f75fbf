"""A whole folder results/{film} as all phases leave it, made from tests/tables.py in seconds."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from tests.factories import tables
from workflow_scripts.lib.images import encode_rle, write_image
from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.plan.targets import list_phases

SHARD = "01of01"
HELD_OUT_SHOT = 2
NASTY = "<script>alert('caption')</script> & \"quotes\""


def make_results(folder: Path, kinds: list[str], people: bool = True) -> list[str]:
    """Write results of `kinds` for one film into `folder`; return the names of its datasets."""
    frames, instances = tables.make_frames(), tables.make_instances()
    if not people:
        instances = instances.iloc[:0]
    tables.draw_images(folder, frames, instances)
    (folder / "extract_frames").mkdir(parents=True)
    (folder / "images").rename(folder / "extract_frames/images")
    (folder / "plates").rename(folder / f"inpaint_{SHARD}")
    for phase in list_phases(kinds):
        for file, table in make_tables(frames, instances).get(phase, {}).items():
            save(table, folder / phase / file)
    (folder / "inpaint_backgrounds").mkdir(exist_ok=True)
    (folder / f"inpaint_{SHARD}").rename(folder / f"inpaint_backgrounds/{SHARD}_images")
    if "crop_faces" in list_phases(kinds):
        draw_faces(folder / f"crop_faces/{SHARD}_images", tables.make_faces(instances))
    datasets = ["character-nella" if kind == "character" else kind for kind in kinds]
    for dataset in datasets:
        make_dataset(folder, dataset, frames, instances)
    write_progress(folder, len(frames))
    return datasets


def make_tables(frames: pd.DataFrame, instances: pd.DataFrame) -> dict[str, dict]:
    """Tables of every phase, by file."""
    imaged = frames[frames["file"] != ""]
    identities = tables.make_identities(instances).assign(cluster="c01")
    plates = tables.make_backgrounds(frames).drop(columns="painted")
    hole = encode_rle(tables.draw_mask((64, 64, 128, 160)))
    if not len(instances):
        plates["file"], hole = "", []
    return {
        "extract_frames": {
            "frames.parquet": frames,
            "shots.parquet": make_shots(frames),
            "problems.parquet": pd.DataFrame(
                [(3.5, NASTY, "not readable")], columns=["time_s", "file", "problem"]
            ),
        },
        "dedup_frames": {"groups.parquet": tables.make_groups(frames)},
        "filter_frames": {"decisions.parquet": tables.make_decisions(frames)},
        "segment_instances": {f"{SHARD}.parquet": instances.drop(columns="who")},
        "inpaint_backgrounds": {f"{SHARD}.parquet": plates.assign(hole=[hole] * len(plates))},
        "embed_images": {f"{SHARD}.parquet": pd.DataFrame({"image_id": imaged["frame_id"]})},
        "embed_references": {
            "references.parquet": pd.DataFrame(
                [("nella/01.jpg", "nella", "")], columns=["reference_id", "character", "reason"]
            )
        },
        "identify_characters": {"identities.parquet": identities},
        "cluster_scenes": {"locations.parquet": tables.make_locations(frames)},
        "estimate_poses": {f"{SHARD}.parquet": tables.make_keypoints(instances)},
        "classify_poses": {"poses.parquet": tables.make_poses(instances)},
        "crop_faces": {f"{SHARD}.parquet": tables.make_faces(instances)},
        "classify_expressions": {"expressions.parquet": tables.make_expressions(instances)},
        "classify_lighting": {"lighting.parquet": tables.make_lighting(frames)},
    }


def make_shots(frames: pd.DataFrame) -> pd.DataFrame:
    """Shots of one second, the third after a fade."""
    shots = frames.groupby("shot_id")["frame_no"].min().reset_index(name="first_frame_no")
    shots["start_s"] = shots["first_frame_no"] / 24
    shots["end_s"] = shots["start_s"] + 1
    shots["transition"] = ["start", "cut", "fade", *["cut"] * (len(shots) - 3)]
    return shots


def make_dataset(
    folder: Path, name: str, frames: pd.DataFrame, instances: pd.DataFrame
) -> pd.DataFrame:
    """A dataset of every image of kept frames, its captions, and what was found out about it."""
    kind = name.partition("-")[0]
    ids = frames["frame_id"] if KINDS[kind].is_of_frames else instances["instance_id"]
    rows = pd.DataFrame({"image_id": ids, "frame_id": ids.str.slice(0, 13)})
    decisions = tables.make_decisions(frames).set_index("frame_id")["reason"]
    rows["reason"] = rows["frame_id"].map(decisions)
    if kind in ("character", "expression"):
        seen = instances["who"].eq("nella") if kind == "character" else instances["who"].ne("")
        rows = rows[seen.to_numpy()]
    kept = rows["reason"] == ""
    held_out = rows["frame_id"].str.startswith(f"s{HELD_OUT_SHOT:04d}")
    rows["split"] = np.where(kept, np.where(held_out, "validation", "train"), "")
    rows["file"] = np.where(kept, rows["split"] + "/2_x/" + rows["image_id"] + ".jpg", "")
    rows = rows.assign(repeats=2, category="some_category", caption=f"{kind} word, {NASTY}")
    for file in rows.loc[kept, "file"]:
        write_image(folder / "datasets" / name / file, np.full((48, 64, 3), 90, np.uint8))
    save(rows, folder / f"datasets/{name}/dataset.parquet")
    counts = {"trigger": f"{kind} word", "diversity": {"effective_images": 1.2}}  # all are gray
    write_json(folder / f"datasets/{name}/counts.json", counts)
    save(rows[["image_id"]].assign(tokens=7), folder / f"write_captions/{name}.parquet")
    shown = rows.loc[kept, ["image_id"]].assign(shot_type="full")
    save(shown, folder / f"analyze_dataset/{name}.parquet")
    prove_dataset(folder, name)
    return rows


def prove_dataset(folder: Path, name: str) -> None:
    """Balance, adapter and scores of one dataset."""
    balance = {
        "full": {"share": 0.28, "recommended": [0.25, 0.3], "n": 3, "verdict": "within"},
        "caption_agreement": {"share": None, "recommended": None, "n": 0, "verdict": "not judged"},
    }
    write_json(folder / f"analyze_dataset/{name}.json", balance)
    metrics = pd.DataFrame(
        {"step": [0, 1, 2], "loss": [None, 0.4, 0.3], "validation_loss": [0.5, None, 0.4]}
    )
    save(metrics, folder / f"adapters/{name}/metrics.parquet")
    (folder / f"adapters/{name}/{folder.name}-{name}.safetensors").write_bytes(b"0" * 1000)
    text = yaml.safe_dump({"rank": 8, "trigger": NASTY, "folders": {"a": 1}})
    (folder / f"adapters/{name}/settings.yaml").write_text(text, encoding="utf-8")
    scores = pd.DataFrame(
        [
            ("similarity", "base", 0.0, "", 0.4),
            ("similarity", "own", 1.0, "", 0.5),
            ("similarity", "own", 1.0, "base", 0.4),
            ("similarity", "own", 1.0, "other_subject", 0.4),
            ("nearest_training", "film", None, "", 0.1),
        ],
        columns=["score", "adapter", "strength", "over", "value"],
    ).assign(low=0.3, high=0.6, n=4, clusters=2, better="up", note="a note", base_is_random=True)
    save(scores, folder / f"evaluate_adapter/{name}/scores.parquet")
    how = yaml.safe_dump({"controls": {"other_subject": {"trigger": NASTY}}})
    (folder / f"evaluate_adapter/{name}/settings.yaml").write_text(how, encoding="utf-8")
    write_image(folder / f"evaluate_adapter/{name}/grid.png", np.zeros((40, 80, 3), np.uint8))


def draw_faces(folder: Path, faces: pd.DataFrame) -> None:
    for file in faces["file"]:
        write_image(folder / file, np.full((40, 40, 3), 150, np.uint8))


def write_progress(folder: Path, frames: int) -> None:
    state = {"phase": "dedup_frames", "part": "", "status": "done", "seconds": 2.0, "errors": 0}
    state |= {"started": "2026-01-01T10:00:00+00:00", "finished": "2026-01-01T10:00:02+00:00"}
    state |= {"unit": "frames", "read": frames, "kept": frames, "set_aside": {}, "found": {}}
    write_json(folder / "progress/dedup_frames.json", state)
    state |= {"phase": "identify_characters", "found": {"review_unknown": 1}}
    write_json(folder / "progress/identify_characters.json", state)


def write_json(path: Path, value: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def save(rows: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(path, index=False)
