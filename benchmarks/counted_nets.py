"""The nets of the full tier that the roofline page counts, and what is published of the others."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from benchmarks import full_nets as nets
from benchmarks.bounds import Step
from benchmarks.counts import GRID, FilmCounts
from benchmarks.film_shapes import Size
from benchmarks.work import Work
from workflow_scripts.models.loaders.stable_diffusion import StableDiffusion
from workflow_scripts.models.registry import choose_model, read_registry
from workflow_scripts.plan.config import read_shipped

COUNTED, PUBLISHED = "counted", "published"
TOKENS = 96  # of an answer: as benchmarks/gpu.py measures them
SEEN_AGAIN = 0.1  # of clean images, where somebody is still seen and cut out again (assumed)
VIEWS = 16  # of each face: film/score_expressions.py
REFERENCES = 15  # five of each of three characters, as the demo has them
SPLITS = 2  # images to train on, images that were held out
# Operations of graphs that are there only once they were fetched, as their authors give them; those
# who count a multiplication and an addition as one are doubled.
YOLOX_M = 73.8e9  # at 640 px: Megvii-BaseDetection/YOLOX, docs/model_zoo.md
RTMPOSE_M = 2 * 1.93e9  # at 256 x 192: open-mmlab/mmpose, projects/rtmpose/README.md
RETINAFACE_R50 = 2 * 37.59e9 / (640 * 480)  # a pixel: Guo et al. 2021 (SCRFD), table of WIDER FACE
EFFICIENTNET_B0 = 2 * 0.39e9  # at 224 px: Tan and Le 2019


@dataclass(frozen=True)
class Nets:
    """Every net that is counted, by what it does; of full_nets."""

    clip: nets.Net
    dinov2: nets.Net
    encoder: nets.Net  # of SAM 2
    mask: nets.Net
    followed: nets.Net
    question: nets.Net
    token: nets.Net  # of an answer
    drawn: nets.Net
    encoded: nets.Net
    decoded: nets.Net
    update: nets.Net
    lama: nets.Net


def count_nets(counts: FilmCounts) -> Nets:
    """Build each net without numbers, and count (about two minutes of a core)."""
    letters = int((counts.questions["letters"] * counts.questions["asked"]).sum() / counts.asked)
    encoder, mask, followed = nets.count_sam2()
    question, token = nets.count_qwen(GRID, letters, TOKENS)
    drawn, encoded, decoded = nets.count_diffusion()
    return Nets(
        clip=nets.count_clip(),
        dinov2=nets.count_dinov2(),
        encoder=encoder,
        mask=mask,
        followed=followed,
        question=question,
        token=token,
        drawn=drawn,
        encoded=encoded,
        decoded=decoded,
        update=count_update(drawn),
        lama=nets.count_lama(counts.holes.mean_px),
    )


def count_update(drawn: nets.Net) -> nets.Net:
    """An image of an update, by the UNet's forward pass."""
    rank = read_shipped()["adapter"]["defaults"]["rank"]
    backward = nets.count_backward(nets.build(nets.make_unet), rank, StableDiffusion.targets)
    # its backward pass reads and writes about twice what the forward pass does (assumed), and the
    # forward pass keeps what it wrote; weights are read on the way forward and on the way back
    work = Work(backward, 3 * drawn.work.traffic, drawn.work.traffic)
    return nets.Net(2 * drawn.parameters, work, drawn.whole)


def file_bytes(role: str) -> float:
    """Bytes of the weights of a role's model that is one file."""
    (file,) = choose_model(role, {"tier": "full"})["files"]
    row = read_registry()["files"][file]
    return float(row.get("bytes") or 1e6 * row["approx_mb"])


def most_at_once(role: str) -> int:
    """Items that the loader of a role takes at once: its option, or its own limit, or one."""
    model = choose_model(role, {"tier": "full"})
    size = model.get("options", {}).get("batch_size")
    loader = import_module(f"workflow_scripts.models.loaders.{model['loader']}")
    return int(size or getattr(loader, "MAX_AT_ONCE", 1))


def counted(phase: str, what: str, items: float, net: nets.Net, **more: Any) -> Step:
    """A step of a net of ours, in bfloat16 unless told otherwise."""
    more = {"precision": "bf16", "held_bytes": net.held_bytes} | more
    return Step(phase, what, items, net.work, weight_bytes=net.weight_bytes, grade=COUNTED, **more)


def onnx(
    phase: str, what: str, role: str, items: float, operations: float, side: Size, **more: Any
) -> Step:
    """A step of a graph: TF32, as onnxruntime computes by default; its activations are unknown."""
    pixels = 3.0 * side[0] * side[1]
    work = Work(operations, 0.0, 100 * pixels)
    more = {"most": most_at_once(role), "copied": 4 * pixels} | more
    return Step(phase, what, items, work, "tf32", file_bytes(role), PUBLISHED, **more)
