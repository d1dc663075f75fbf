"""What ends a training: losses that are no number, layers that stay still; what is said early."""

import math
from collections.abc import Collection, Sequence

from workflow_scripts.adapter.optimizers import Optimizers
from workflow_scripts.adapter.training_data import TrainingImage
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.phase import log
from workflow_scripts.models.diffusion import Base

PATIENCE = 20  # steps in which each layer has had a gradient, where captions were dropped


class DivergedError(CineloraError):
    """A training whose loss is no number any more; of a search one that is set aside."""


def refuse_loss(
    step: int, images: Sequence[TrainingImage], losses: list[float], rate: str, base: Base
) -> None:
    """End a training by the losses (B,) of a batch, not all of them numbers.

    `rate` says where the learning rate of the step comes from; before the first update it is not
    to blame.
    """
    rows = zip(images, losses, strict=True)
    bad = {image.image_id: loss for image, loss in rows if not math.isfinite(loss)}
    first = next(iter(bad.values()), math.nan)
    what = f"the loss of step {step} is {first}, of {', '.join(bad)}."
    if step > 1 or len(bad) < len(losses):
        raise DivergedError(
            f"{what}\n"
            f"  The training diverged: lower the learning rate ({rate})\n"
            "  or look whether these images are broken, and run snakemake again."
        )
    raise DivergedError(
        f"{what}\n"
        "  No update was made yet, so it is not the learning rate: these images are broken, or\n"
        "  weights of the base are no numbers, or too large for its type. Its sha256 is\n"
        f"  {base.sha256[:12]}: fetch or build it again, or choose another one (models.base)."
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


def warn_of_no_rate(optimizer: Optimizers, steps: int) -> None:
    """Say that Prodigy has found no learning rate, so that the adapter is nearly the base."""
    if optimizer.is_searching:
        log.warning(
            "optimizer prodigy found no learning rate in %d steps: the adapter changes hardly"
            " anything. Give it more steps, schedule: constant and warmup: 0, or choose adamw.",
            steps,
        )
