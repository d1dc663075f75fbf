"""A table of small models for every role of the full tier, opened by the production loaders.

Real weights where the shared folder of test weights has them, else random ones, and the names say
which: what a run with them learns is noise, how it gets there is what the full tier does.
"""

from pathlib import Path

import yaml

from tests.factories import models_in_code as build
from tests.factories.onnx_in_code import build_retinaface, build_standing_figure
from workflow_scripts.lib.checksums import hash_file

EMOTIONS = ["neutral", "happy", "sad", "angry", "fear", "disgust", "surprised"]
# role: name, loader, file or folder, what the row needs besides
MODELS = {
    "detect": ("yolox-nano-real", "rtm_boxes", "yolox_nano.onnx"),
    "segment": ("sam2-random-weights", "sam2_boxes", "sam2-random"),
    "inpaint": ("lama-random-weights", "lama", "lama-random.pt"),
    "pose": ("pose-that-knows-nothing", "rtm_joints", "standing.onnx"),
    "face": ("retinaface-mobilenet-real", "retina_face", "retinaface-small.onnx"),
    "expression": ("face-api-real", "emotion_onnx", "face_expression_net_fp32.onnx"),
    "embed": ("openclip-random-weights", "openclip", "openclip-random"),
    "scene": ("dinov2-random-weights", "dinov2", "dinov2-random"),
    "caption": ("qwen-random-weights", "qwen_vl", "qwen-random"),
    "base": ("sd-random-weights", "stable_diffusion", "sd-random-weights"),
}
OPTIONS = {
    "detect": {"net": "yolox", "input_px": 416, "min_score": 0.3},
    "segment": {"batch_size": 2},
    "inpaint": {"max_side_px": 256},
    "pose": {"input_px": [192, 256], "score_scale": 1.0},
    "face": {"min_score": 0.5},
    "expression": {
        "side_px": 112,
        "mean": [0.4815, 0.45883, 0.40901],
        "std": [1, 1, 1],
        "labels": EMOTIONS,
        "logits": False,
    },
    "embed": {"batch_size": 16},
    "scene": {"side_px": 56, "batch_size": 16},
    "caption": {"batch_size": 16, "max_new_tokens": 2, "max_side_px": 112, "four_bit": False},
    "base": {"architecture": "tiny-random-sd/lora", "version": "tiny-random-sd", "is_random": True},
}


def build_all(folder: Path) -> dict[str, Path]:
    """Files and folders of weights by name, all below `folder` or in the shared one."""
    real = build.SHARED
    made = {
        "sam2-random": build.build_sam2,
        "lama-random.pt": build.build_lama,
        "openclip-random": build.build_openclip,
        "dinov2-random": build.build_dinov2,
        "qwen-random": build.build_qwen,
        "sd-random-weights": build.build_base,
        "standing.onnx": build_standing_figure,
    }
    paths = {n: build.build_with_seed(make, folder / n) for n, make in made.items()}
    small = real / "face/retinaface_mbnet0.25.onnx"
    return {
        **paths,
        "retinaface-small.onnx": build_retinaface(small, folder / "retinaface-small.onnx"),
        "yolox_nano.onnx": real / "detection/yolox_nano.onnx",
        "face_expression_net_fp32.onnx": real / "emotion/face_expression_net_fp32.onnx",
    }


def write_table(folder: Path) -> Path:
    """Build all weights and a table for models.table that names them."""
    paths = build_all(folder)
    row = {"source": "file", "license": "for tests", "training_data": "see the name of the model"}
    files = {
        name: row | {"path": str(path), "sha256": hash_file(path), "bytes": path.stat().st_size}
        for name, path in paths.items()
        if path.is_file()
    }
    folders = {
        name: row | {"path": str(path), "members": list_members(path)}
        for name, path in paths.items()
        if path.is_dir()
    }
    models = {name: make_row(role, loader, file) for role, (name, loader, file) in MODELS.items()}
    table = folder / "table.yaml"
    table.write_text(
        yaml.safe_dump({"files": files, "folders": folders, "models": models}), encoding="utf-8"
    )
    return table


def make_row(role: str, loader: str, file: str) -> dict:
    kind = "files" if "." in file else "folders"
    tier = "full" if role == "base" else "on request"  # a base has training steps for its tier
    row = {"role": role, "tier": tier, "loader": loader, "files": [], kind: [file]}
    if role == "detect":
        row["sure_score"] = 0.6
    return row | {"options": OPTIONS.get(role, {})}


def list_members(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def write_overlay(folder: Path, path: Path) -> Path:
    """A config overlay that plays every role with these models, and asks for little of each."""
    names = {role: name for role, (name, _, _) in MODELS.items()}
    overlay = {
        "models": {"tier": "full", "device": "cpu", "table": str(write_table(folder)), **names},
        "extract_frames": {"sampling": {"frames_per_second": 0.5, "frames_per_shot": 2}},
        "segment_instances": {"tiling_interval": 0},
        "shards": 1,
        "adapter": {
            "defaults": {"validations": 1, "checkpoints": 0},
            "tiers": {"full": {"steps": 6}},
        },
        "evaluate_adapter": {
            "tiers": {"full": {"sampling_steps": 1, "controls": {"shuffled_captions": []}}},
            "prompts": 1,
            "seeds": [1],
        },
    }
    path.write_text(yaml.safe_dump(overlay), encoding="utf-8")
    return path
