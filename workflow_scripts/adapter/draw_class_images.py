"""Draw images of the class of a subject by the base itself: what a training is to leave as it is.

Reads the captions of a dataset and the base; leaves images, each with its caption beside it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workflow_scripts.adapter.examples import seed_for
from workflow_scripts.adapter.training_data import find_trigger, read_split
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.phase import Counts, progress, run_phase
from workflow_scripts.models.diffusion import DRAWN_AT_ONCE, draw_images
from workflow_scripts.models.registry import load_model


def name_class(captions: Sequence[str], class_word: str) -> list[str]:
    """The captions, each once, with the class in place of their trigger: "woman, walking"."""
    trigger = find_trigger(captions)
    rests = [caption.removeprefix(trigger).strip(" ,") for caption in captions]
    return list(dict.fromkeys(", ".join(filter(None, [class_word, rest])) for rest in rests))


def main(
    dataset: str,
    base: str,
    images: str,
    *,
    options: dict[str, Any],
    class_word: str,
    model: dict[str, Any],
    seed: int,
) -> Counts:
    captions = [image.caption for image in read_split(dataset, "train")]
    prompts = options["prompts"] or name_class(captions, class_word)
    folder = Path(images)
    folder.mkdir(parents=True, exist_ok=True)
    count = options["images"] if captions else 0  # an empty dataset trains no adapter
    asked = [(prompts[n % len(prompts)], seed_for(seed, "class image", n)) for n in range(count)]
    if not asked:
        return Counts("images", 0, 0)
    opened = load_model(model, [Path(base) / "model_index.json"])
    starts = range(0, count, DRAWN_AT_ONCE)
    for start in progress(starts, "drawing class images", total=len(starts)):
        texts, seeds = zip(*asked[start : start + DRAWN_AT_ONCE], strict=True)
        drawn = draw_images(
            opened,
            texts,
            seeds,
            steps=options["sampling_steps"],
            guidance=options["guidance"],
            side_px=opened.resolution_px,
        )
        for number, (text, pixels) in enumerate(zip(texts, drawn, strict=True), start):
            write_image(folder / f"{number:05d}.png", pixels)
            (folder / f"{number:05d}.txt").write_text(text + "\n", encoding="utf-8")
    return Counts("images", count, count)


if __name__ == "__main__":
    run_phase(main, snakemake)
