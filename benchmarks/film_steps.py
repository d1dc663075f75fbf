"""What the nets do in the phases that measure a film: how many items, and the work of each."""

from collections.abc import Mapping

from benchmarks.bounds import Step
from benchmarks.counted_nets import (
    COUNTED,
    EFFICIENTNET_B0,
    REFERENCES,
    RETINAFACE_R50,
    RTMPOSE_M,
    SEEN_AGAIN,
    VIEWS,
    YOLOX_M,
    Nets,
    most_at_once,
    onnx,
)
from benchmarks.counts import FilmCounts


def find_people(counts: FilmCounts, known: Nets, read_s: Mapping[str, float]) -> list[Step]:
    """Steps of segment_instances, inpaint_backgrounds and embed_references."""
    frames, seen = counts.frames, SEEN_AGAIN * counts.frames
    weights, pixels = 4.0 * known.sam2.parameters, 3.0 * 1024**2
    steps = []
    for phase, encoded, boxes, looks in (
        ("segment_instances", frames, counts.people, frames),
        ("inpaint_backgrounds", seen, seen, frames + counts.peopled_frames),
        ("embed_references", REFERENCES, REFERENCES, REFERENCES),
    ):
        one = read_s["decode"] * (phase != "inpaint_backgrounds")
        detected = onnx(
            phase,
            "YOLOX-m, an image",
            "detect",
            looks,
            YOLOX_M,
            (640, 640),
            most=most_at_once("detect"),
            read_s=one,
        )
        encoder = Step(
            phase,
            "SAM 2.1 large, an image encoded",
            encoded,
            known.sam2.work,
            "bf16",
            weights,
            COUNTED,
            most_at_once("segment"),
            pixels,
            read_s["fit_1024"],
        )
        masks = Step(
            phase, "SAM 2.1 large, a box", boxes, known.mask, "bf16", 0.0, COUNTED, copied=256.0**2
        )
        steps += [detected, encoder, masks]
    steps.append(
        Step(
            "segment_instances",
            "SAM 2.1 large, a person followed into a frame",
            counts.people,
            known.followed,
            "bf16",
            0.0,
            COUNTED,
            copied=256.0**2,
        )
    )
    area = counts.holes.mean_px
    # read_s: a frame is decoded once for itself, and kept for the frames beside it
    steps.append(
        Step(
            "inpaint_backgrounds",
            "Big LaMa, a hole",
            counts.peopled_frames,
            known.lama.work,
            "tf32",
            4.0 * known.lama.parameters,
            COUNTED,
            copied=4 * 4 * area,
            read_s=frames / max(1, counts.peopled_frames) * read_s["decode"],
        )
    )
    return steps


def look_at_people(counts: FilmCounts, known: Nets, read_s: Mapping[str, float]) -> list[Step]:
    """Steps of estimate_poses, crop_faces and score_expressions."""
    a_person = read_s["decode"] * counts.peopled_frames / max(1, counts.people)
    looks = counts.people * counts.looks_a_person
    side = round(counts.looks.mean_px**0.5)
    return [
        onnx(
            "estimate_poses",
            "RTMPose-m, a person",
            "pose",
            counts.people,
            RTMPOSE_M,
            (256, 192),
            most=most_at_once("pose"),
            read_s=a_person,
        ),
        onnx(
            "crop_faces",
            "RetinaFace, a look (two a person, where no face is found)",
            "face",
            looks,
            RETINAFACE_R50 * side**2,
            (side, side),
            most=most_at_once("face"),
            read_s=a_person / counts.looks_a_person,
        ),
        onnx(
            "score_expressions",
            "EfficientNet-B0, a view",
            "expression",
            VIEWS * counts.faces,
            EFFICIENTNET_B0,
            (224, 224),
            most=VIEWS,
            read_s=read_s["view"],
        ),
    ]


def embed(counts: FilmCounts, known: Nets, read_s: Mapping[str, float]) -> list[Step]:
    """Steps of embed_images; it decodes the frame and, where it is another one, its background."""
    area, images = 3.0 * 224**2, counts.frames + counts.people
    decoded = (counts.frames + counts.peopled_frames) * read_s["decode"] / images
    clip, dino = 4.0 * known.clip.parameters, 4.0 * known.dinov2.parameters
    return [
        Step(
            "embed_images",
            "OpenCLIP ViT-L/14, an image",
            images,
            known.clip.work,
            "bf16",
            clip,
            COUNTED,
            most_at_once("embed"),
            area,
            decoded + read_s["fit_224"],
        ),
        Step(
            "embed_images",
            "DINOv2-B, a background",
            counts.frames,
            known.dinov2.work,
            "bf16",
            dino,
            COUNTED,
            most_at_once("scene"),
            area,
            read_s["fit_224"],
        ),
        Step(
            "embed_references",
            "OpenCLIP ViT-L/14, an image",
            REFERENCES,
            known.clip.work,
            "bf16",
            clip,
            COUNTED,
            most_at_once("embed"),
            area,
            read_s["fit_224"],
        ),
        onnx("embed_references", "RTMPose-m, a person", "pose", REFERENCES, RTMPOSE_M, (256, 192)),
    ]
