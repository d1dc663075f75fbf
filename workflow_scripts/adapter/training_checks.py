"""What ends a training: losses that are no number, layers that stay still; what is said early."""

import math
from collections.abc import Collection, Sequence

from workflow_scripts.adapter.optimizers import Optimizers
from workflow_scripts.adapter.training_data import TrainingImage
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.phase import log
from workflow_scripts.models.diffusion import Base

PATIENCE = 20  # steps in which each layer has had a gradient, where captions were dropped


def refuse_loss(step: int, images: Sequence[TrainingImage], losses: list[float], rate: str) -> None:
    """End a training by the losses (B,) of a batch whose mean is no number.

    `rate` says where the learning rate of the step comes from.
    """
    rows = [(image.image_id, loss) for image, loss in zip(images, losses, strict=True)]
    bad = dict([row for row in rows if not math.isfinite(row[1])] or rows)
    first = next(iter(bad.values()))
    raise CineloraError(
        f"the loss of step {step} is {first}, of {', '.join(bad)}.\n"
        f"  Lower the learning rate ({rate}),\n"
        "  or look whether these images are broken."
    )


def check_layers(
    names: Collection[str], moved: set[str], taken: int, *, wordless: bool, steps: int
) -> None:
    """A layer that has had no gradient in `taken` of so many steps ends the training.

    lora_B starts at 0, so lora_A has its first gradient in the second step. What reads words may
    have none where a batch was `wordless`, with all its captions dropped: it is given time.
    """
    if taken != (min(PATIENCE, steps) if wordless else 2):
        return
    still = sorted(set(names) - moved)
    if still:
        raise CineloraError(
            f"{len(still)} of {len(names)} adapter tensors had no gradient in {taken} steps:\n"
            f"  {', '.join(still[:4])}{' ...' if len(still) > 4 else ''}.\n"
            "  These layers would stay as they are: the base model does not use them, or\n"
            "  the learning rate is 0."
        )


def warn_of_long_captions(base: Base, images: Sequence[TrainingImage]) -> int:
    """Name captions of which the text encoder does not read the end; returns how many."""
    limit = base.token_limit
    counts = {image.image_id: base.count_tokens(image.caption) for image in images}
    long = {name: count for name, count in counts.items() if count > limit}
    if long:
        named = ", ".join(f"{name} ({count})" for name, count in list(long.items())[:3])
        log.warning(
            "%d of %d captions have more than the %d tokens that the base reads: %s%s. What is"
            " beyond is not learned. Shorten them.",
            *(len(long), len(images), limit, named, " ..." if len(long) > 3 else ""),
        )
    return len(long)


def warn_of_no_rate(optimizer: Optimizers, steps: int) -> None:
    """Say that Prodigy has found no learning rate, so that the adapter is nearly the base."""
    if optimizer.is_searching:
        log.warning(
            "optimizer prodigy found no learning rate in %d steps: the adapter changes hardly"
            " anything. Give it more steps, schedule: constant and warmup: 0, or choose adamw.",
            steps,
        )
