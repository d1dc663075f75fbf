"""What the nets do in the phases that measure a film: how many items, and the work of each."""

from collections.abc import Mapping

from benchmarks.bounds import Step
from benchmarks.counted_nets import (
    EFFICIENTNET_B0,
    REFERENCES,
    RETINAFACE_R50,
    RTMPOSE_M,
    SEEN_AGAIN,
    VIEWS,
    YOLOX_M,
    Nets,
    counted,
    most_at_once,
    onnx,
)
from benchmarks.counts import FilmCounts
from benchmarks.feature_film import HEIGHT, WIDTH
from workflow_scripts.models.loaders.sam2_bank import PEOPLE_AT_ONCE

MASK_BITS = HEIGHT * WIDTH / 8  # bytes of a person's mask as it leaves the GPU: packed
MASK_PROMPT = 1.0 * HEIGHT * WIDTH  # and as it comes back to be followed: a byte a pixel


def find_people(counts: FilmCounts, known: Nets, read_s: Mapping[str, float]) -> list[Step]:
    """Steps of segment_instances, inpaint_backgrounds and embed_references."""
    frames, seen = counts.frames, SEEN_AGAIN * counts.frames
    looks = (  # phase, images encoded, boxes, images for the detector, seconds to open one
        ("segment_instances", frames, counts.people, frames, read_s["decode"]),
        ("inpaint_backgrounds", seen, seen, frames + counts.peopled_frames, 0.0),
        ("embed_references", REFERENCES, REFERENCES, REFERENCES, read_s["decode"]),
    )
    steps = [step for look in looks for step in cut_out(*look, known, read_s["fit_1024"])]
    return [*steps, *follow(counts, known), paint(counts, known, read_s["decode"])]


def cut_out(
    phase: str, encoded: float, boxes: float, looks: float, open_s: float, known: Nets, fit_s: float
) -> list[Step]:
    """People are detected, and cut out by their boxes."""
    image = {"most": most_at_once("segment"), "copied": 3.0 * 1024**2, "read_s": fit_s}
    return [
        onnx(phase, "YOLOX-m, an image", "detect", looks, YOLOX_M, (640, 640), read_s=open_s),
        counted(phase, "SAM 2.1 large, an image encoded", encoded, known.encoder, **image),
        counted(phase, "SAM 2.1 large, a box", boxes, known.mask, copied=MASK_BITS),
    ]


def follow(counts: FilmCounts, known: Nets) -> list[Step]:
    """Whoever was found is followed through the shot, and shown to the memory once at least."""
    phase, at_once = "segment_instances", {"most": PEOPLE_AT_ONCE}
    followed = "SAM 2.1 large, a person followed into a frame"
    shown = "SAM 2.1 large, a mask shown to the memory"
    return [
        counted(phase, followed, counts.people, known.followed, **at_once, copied=MASK_BITS),
        counted(phase, shown, counts.tracks, known.mask, **at_once, copied=MASK_PROMPT),
    ]


def paint(counts: FilmCounts, known: Nets, decode_s: float) -> Step:
    """Every hole by LaMa: other frames fill some of them, how many is not known."""
    # a frame is decoded once for itself, and kept for the frames beside it
    opened = counts.frames / max(1, counts.peopled_frames) * decode_s
    return counted(
        "inpaint_backgrounds",
        "Big LaMa, a hole",
        counts.peopled_frames,
        known.lama,
        precision="tf32",
        copied=4 * 4 * counts.holes.mean_px,
        read_s=opened,
    )


def look_at_people(counts: FilmCounts, known: Nets, read_s: Mapping[str, float]) -> list[Step]:
    """Steps of estimate_poses, crop_faces and score_expressions."""
    people, views = counts.people, VIEWS * counts.faces
    opened = read_s["decode"] * counts.peopled_frames / max(1, people)  # of a person
    pose, view = {"read_s": opened}, {"read_s": read_s["view"]}
    what, emotion = "RTMPose-m, a person", "EfficientNet-B0, a view"
    return [
        onnx("estimate_poses", what, "pose", people, RTMPOSE_M, (256, 192), **pose),
        *look_for_faces(counts, opened),
        onnx(
            "score_expressions", emotion, "expression", views, EFFICIENTNET_B0, (224, 224), **view
        ),
    ]


def look_for_faces(counts: FilmCounts, opened: float) -> list[Step]:
    """A look at each person, and another at those of whom the first shows no face."""
    whats = "RetinaFace, the first look at a person", "RetinaFace, a second look"
    items = counts.people, max(0, counts.people - counts.faces)
    steps = []
    for what, count, look, open_s in zip(whats, items, counts.looks, (opened, 0.0), strict=True):
        side = round(look.mean_px**0.5)
        work = RETINAFACE_R50 * side**2
        steps.append(onnx("crop_faces", what, "face", count, work, (side, side), read_s=open_s))
    return steps


def embed(counts: FilmCounts, known: Nets, read_s: Mapping[str, float]) -> list[Step]:
    """Steps of embed_images; it decodes the frame and, where it is another one, its background."""
    phase, references = "embed_images", "embed_references"
    images, fit = counts.frames + counts.people, read_s["fit_224"]
    decoded = (counts.frames + counts.peopled_frames) * read_s["decode"] / images
    clip = {"most": most_at_once("embed"), "copied": 3.0 * 224**2}
    dino = {"most": most_at_once("scene"), "copied": 3.0 * 224**2, "read_s": fit}
    look, place = "OpenCLIP ViT-L/14, an image", "DINOv2-B, a background"
    return [
        counted(phase, look, images, known.clip, **clip, read_s=decoded + fit),
        counted(phase, place, counts.frames, known.dinov2, **dino),
        counted(references, look, REFERENCES, known.clip, **clip, read_s=fit),
        onnx(references, "RTMPose-m, a person", "pose", REFERENCES, RTMPOSE_M, (256, 192)),
    ]
