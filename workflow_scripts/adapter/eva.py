"""EVA's start of an adapter: lora_A begins with the main directions of what its layers are fed.

Paischer 2024, "One initialization to rule them all" (arXiv 2410.07170), computed by peft. Ranks
stay as they are asked for, lora_B is 0 as always: the base is unchanged, files are plain LoRA.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from peft import EvaConfig
from peft.tuners.lora.eva import get_eva_state_dict

from workflow_scripts.adapter.lora_layers import ADAPTER, Trained, list_lora, make_config
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.phase import log

MOST_PASSES = 1000  # over batches, until the directions stay


def find_directions(
    part: Trained, settings: Settings, batches: int, forward: Callable[[int], Any]
) -> dict[str, torch.Tensor]:
    """Main directions (largest rank, inputs) of what each layer is fed, by its name in the part.

    `forward` runs the base, without an adapter, on the batch of a number; the same batches give the
    same directions. Layers that are fed the same share them.
    """
    largest = max([settings.rank, *settings.rank_pattern.values()])
    config = make_config(part, replace(settings, rank=largest, rank_pattern={}, alpha_pattern={}))
    config.eva_config = EvaConfig(rho=1.0)
    passes = 0

    def run(_: torch.nn.Module, number: torch.Tensor) -> None:
        nonlocal passes
        passes += 1
        if passes > MOST_PASSES:
            raise CineloraError(
                f"init eva: what the layers are fed has no {largest} main directions that stay\n"
                f"  the same over {MOST_PASSES} batches. Choose a smaller rank, or init: default."
            )
        forward(int(number))

    try:
        found = get_eva_state_dict(
            part.net,
            list(torch.arange(batches)),
            config,
            forward_fn=run,
            prepare_model_inputs_fn=None,
            prepare_layer_inputs_fn=_flatten,
            show_progress_bar=False,
        )
    except ValueError as error:  # more directions than inputs
        raise CineloraError(
            f"init eva: rank {largest} is too large for a layer ({error}).\n"
            "  Choose a smaller rank, or init: default."
        ) from error
    log.info("EVA: %d layers start along what they are fed, %d passes", len(found), passes)
    return {name: directions.contiguous() for name, directions in found.items()}


def start_along(part: Trained, directions: dict[str, torch.Tensor]) -> None:
    """Set lora_A of a part's layers, each to as many directions as its rank."""
    for name, layer in list_lora(part).items():
        down = layer.lora_A[ADAPTER].weight
        down.data.copy_(directions[name][: len(down)])


def _flatten(fed: Any, _: Any, __: str) -> torch.Tensor:
    """What a layer is fed, one row for each place of each image."""
    states = fed[0] if isinstance(fed, tuple | list) else fed
    return states.reshape(-1, states.shape[-1])
