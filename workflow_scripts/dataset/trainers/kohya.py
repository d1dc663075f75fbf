"""kohya's sd-scripts: names of folders, dataset.toml, train.sh, and what its buckets cut off.

The folders alone serve kohya's GUI too, and whatever else reads `<repeats>_<words>/`.
"""

import math
import re
import shlex

from workflow_scripts.dataset.framing import STEP
from workflow_scripts.dataset.trainers.layout import (
    STARTING,
    Layout,
    Part,
    count_images,
    make_header,
    quote,
)

MIN_BUCKET, MAX_BUCKET = 256, 1024  # px; its defaults, within which the resolution must lie
# Names of folders by which `datasets` knows splits: "3_test pose" would open a third split
SPLIT_WORDS = "training|train|validation|valid|val|dev|testing|test|evaluation|eval"
SPLIT_WORD = re.compile(rf"(?<![A-Za-z])(?=({SPLIT_WORDS})(?![A-Za-z]))")

TRAIN = """#!/bin/sh
# {counts}
# Trains an adapter with kohya's sd-scripts, in their environment:
#   ./train.sh <folder of sd-scripts> <base model> [options of sd-scripts]
# Options replace those below, such as --network_dim 32 or --output_dir; the adapter comes into
# the folder output of sd-scripts. Another architecture has another script:
#   SCRIPT=sdxl_train_network.py ./train.sh ...{unmasked}
set -eu
if [ $# -lt 2 ]; then
  echo "usage: $0 <folder of sd-scripts> <base model> [options of sd-scripts]" >&2
  exit 2
fi
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
scripts=$1 base=$2
shift 2
if [ ! -f "$scripts/${{SCRIPT:-train_network.py}}" ]; then
  echo "$0: $scripts has no ${{SCRIPT:-train_network.py}}; it must be a checkout of sd-scripts" >&2
  exit 2
fi
exec accelerate launch "$scripts/${{SCRIPT:-train_network.py}}" \\
  --pretrained_model_name_or_path "$base" \\
  --dataset_config "$here/dataset.toml" {masked}\\
  --output_dir "$scripts/output" --output_name {name} \\
  --save_model_as safetensors --save_precision fp16 --mixed_precision fp16 \\
  --network_module networks.lora --network_dim {rank} --network_alpha {alpha} \\
  --learning_rate {learning_rate} --max_train_steps {steps} \\
  --cache_latents --sdpa --seed 1 "$@"
"""
UNMASKED = """
# Without masks: ./train.sh ... --dataset_config <this folder>/dataset_without_masks.toml"""


def name_folder(repeats: int, subject: str) -> str:
    """kohya's folder: how often each image is seen in an epoch, then what it teaches."""
    return f"{repeats}_{SPLIT_WORD.sub('+', subject)}"


def bucket_loss(width: int, height: int, resolution: int) -> tuple[float, float]:
    """Share of width and of height that training cuts off, with buckets and without upscaling.

    As sd-scripts chooses with bucket_no_upscale: scale down to the area of resolution^2, one side a
    multiple of the step, then cut both sides to multiples of it.
    """
    ratio, area = width / height, resolution**2
    if width * height <= area:
        return (width % STEP) / width, (height % STEP) / height
    round_width = _round(math.sqrt(area * ratio))
    round_height = _round(area / math.sqrt(area * ratio))
    by_width = round_width / _round(round_width / ratio)
    by_height = _round(round_height * ratio) / round_height
    if abs(by_width - ratio) < abs(by_height - ratio):
        size = round_width, int(round_width / ratio + 0.5)
    else:
        size = int(round_height * ratio + 0.5), round_height
    return (size[0] % STEP) / size[0], (size[1] % STEP) / size[1]


def _round(side: float) -> int:
    return max(STEP, int(side + 0.5) // STEP * STEP)


def format_toml(layout: Layout, *, masks: bool) -> str:
    """The dataset config of sd-scripts: a block to train on, a block that is held out.

    The held-out block has no masks: sd-scripts refuses them there. Its validation_split of 1.0
    makes every image of it a validation image; the key inside a subset would be refused.
    """
    lines = make_header(layout)
    lines += ["# Its masks need --masked_loss, or it is refused."] if masks else []
    for split in ("train", "validation"):
        parts = layout.select(split)
        if not parts:
            continue
        lines += ["", "[[datasets]]", *_settings(layout.resolution)]
        lines += ["validation_split = 1.0"] if split == "validation" else []
        for part in parts:
            lines += ["", *_subset(layout, part)]
            if masks and split == "train":
                lines.append(f"conditioning_data_dir = {quote(layout.locate_masks(split))}")
    return "\n".join(lines) + "\n"


def _settings(resolution: int) -> list[str]:
    lines = [
        f"resolution = {resolution}",
        "batch_size = 1",
        "enable_bucket = true",
        f"bucket_reso_steps = {STEP}",
        "bucket_no_upscale = true",
    ]
    lines += [f"min_bucket_reso = {resolution}"] if resolution < MIN_BUCKET else []
    return lines + ([f"max_bucket_reso = {resolution}"] if resolution > MAX_BUCKET else [])


def _subset(layout: Layout, part: Part) -> list[str]:
    return [
        "[[datasets.subsets]]",
        f"image_dir = {quote(layout.locate(part.path))}",
        f"num_repeats = {part.repeats}",
        'caption_extension = ".txt"',  # the default is .caption: without this line, no captions
        "keep_tokens = 1",  # comma-separated parts: the trigger stays first when shuffled
        "flip_aug = false",  # characters are not symmetric
        "color_aug = false",  # color is the character, and the light; latents can be cached
    ]


def format_train(layout: Layout) -> str:
    """train.sh: sd-scripts' own command line; paths are found from where the script lies."""
    return TRAIN.format(
        counts=count_images(layout),
        name=shlex.quote(layout.name),
        masked="--masked_loss " if layout.has_masks else "",
        unmasked=UNMASKED if layout.has_masks else "",
        **STARTING,
    )
