"""SAM 2.1 by the package sam2 or by transformers: which is faster, call by call, on this machine.

`python -m benchmarks.sam2_either` builds hiera-tiny at full size with random weights in both, at
1024 px and in float32, and times them by turns, so that both meet the same machine. Random weights
cost what trained ones cost. What came of it stands in benchmarks/sam2_either.md.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from sam2.build_sam import build_sam2, build_sam2_video_predictor
from sam2.sam2_image_predictor import SAM2ImagePredictor
from transformers import Sam2VideoConfig, Sam2VideoModel, Sam2VideoProcessor
from transformers.models.sam2.image_processing_sam2 import Sam2ImageProcessor
from transformers.models.sam2_video.video_processing_sam2_video import Sam2VideoVideoProcessor

from benchmarks.gpu_cases import boxes, image, next_image, people
from workflow_scripts.lib.images import write_image
from workflow_scripts.models.loaders.sam2_boxes import BoxSegmenter

HEAD = "| what | sam2, s | transformers, s | sam2 / transformers | rounds |"
SIZE = (720, 1280)
PEOPLE = boxes(SIZE)
CONFIG = "configs/sam2.1/sam2.1_hiera_t.yaml"
Case = tuple[str, Callable[[], object], Callable[[], object]]  # what, sam2's call, transformers'


def build_images(folder: Path, device: str) -> list[Case]:
    """The encoder, and three boxes on an image that was encoded."""
    Sam2VideoModel(Sam2VideoConfig()).save_pretrained(folder)  # transformers' defaults are tiny's
    ours = BoxSegmenter(folder, device, batch_size=1)
    theirs = SAM2ImagePredictor(build_sam2(CONFIG, device=device, apply_postprocessing=False))
    count = sum(p.numel() for p in ours.video.parameters())
    print(
        f"parameters: sam2 {sum(p.numel() for p in theirs.model.parameters())}, "
        f"transformers {count}"
    )
    theirs.set_image(image(0, SIZE))
    return [
        (
            "encoder",
            lambda: theirs.set_image(next_image(SIZE)),
            lambda: ours.encode([next_image(SIZE)]),
        ),
        (
            "3 boxes on an encoded image",
            lambda: theirs.predict(box=PEOPLE, multimask_output=False),
            lambda: ours(image(0, SIZE), people(SIZE)),
        ),
    ]


def build_video(folder: Path, device: str, frames: int) -> Case:
    """Three boxes on the first frame, followed through the others; each frame is encoded once."""
    for number in range(frames):
        write_image(folder / f"{number:05d}.jpg", image(number, SIZE))
    theirs = build_sam2_video_predictor(CONFIG, device=device, apply_postprocessing=False)
    ours = Sam2VideoModel(Sam2VideoConfig()).eval().to(device)
    prepare = Sam2VideoProcessor(Sam2ImageProcessor(), Sam2VideoVideoProcessor())

    def follow_theirs() -> None:
        with torch.inference_mode():
            state = theirs.init_state(str(folder))
            for number, box in enumerate(PEOPLE):
                theirs.add_new_points_or_box(state, 0, number, box=box)
            list(theirs.propagate_in_video(state))

    def follow_ours() -> None:
        with torch.inference_mode():
            video = [image(number, SIZE) for number in range(frames)]
            session = prepare.init_video_session(video, inference_device=device)
            found, names = [PEOPLE.tolist()], list(range(len(PEOPLE)))
            prepare.add_inputs_to_inference_session(session, 0, names, input_boxes=found)
            ours(session, frame_idx=0)
            list(ours.propagate_in_video_iterator(session))

    return f"{len(PEOPLE)} people followed through {frames} frames", follow_theirs, follow_ours


def time_by_turns(case: Case, rounds: int) -> list[tuple[float, float]]:
    """Seconds of sam2 and of transformers, a pair a round; a first round is not counted."""
    pairs = []
    for number in range(rounds + 1):
        order = (0, 1) if number % 2 else (1, 0)
        spent = {which: _time(case[1 + which]) for which in order}
        pairs.append((spent[0], spent[1]))
    return pairs[1:]


def _time(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def write_line(what: str, pairs: list[tuple[float, float]]) -> str:
    """Medians in seconds; how many times as long sam2 takes, with the smallest and the largest."""
    theirs, ours = (median(side) for side in zip(*pairs, strict=True))
    ratios = [a / b for a, b in pairs]
    spread = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    return f"| {what} | {theirs:.3f} | {ours:.3f} | {spread} | {len(pairs)} |"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--frames", type=int, default=4)
    asked = parser.parse_args(arguments)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory(prefix="cinelora-sam2-") as name:
        cases = build_images(Path(name) / "net", asked.device)
        (Path(name) / "film").mkdir()
        cases.append(build_video(Path(name) / "film", asked.device, asked.frames))
        print(f"{HEAD}\n|---|---|---|---|---|")
        for case in cases:
            print(write_line(case[0], time_by_turns(case, asked.rounds)), flush=True)


if __name__ == "__main__":
    main()
