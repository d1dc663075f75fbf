"""What a step learns from: the denoising loss of a batch, and of what the base should keep."""

from typing import Any, NamedTuple

import torch

from workflow_scripts.adapter.examples import Examples, weighted_means
from workflow_scripts.adapter.fresh_captions import FreshCaptions
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.models.diffusion import FLOW, Base, move, predict_noise, signal_to_noise

WHOLE = slice(None)  # all images of a batch


def snr_weights(base: Base, timesteps: torch.Tensor, gamma: float) -> torch.Tensor:
    """Min-SNR weights (B,): easy, almost noiseless timesteps count less; all 1 when gamma is 0.

    They are made for noise that is predicted: where a flow is, all timesteps count alike.
    """
    if not gamma or base.prediction_type == FLOW:
        return torch.ones(len(timesteps), device=timesteps.device)
    snr = signal_to_noise(base, timesteps)
    velocity = base.prediction_type == "v_prediction"
    return snr.clamp_max(gamma) / (snr + 1 if velocity else snr)


@torch.no_grad()
def predict_without(base: Base, *asked: Any) -> torch.Tensor:
    """What the base predicts without its adapter; `asked` as of predict_noise."""
    base.network.disable_adapters()
    try:
        return predict_noise(base, *asked)[0]
    finally:
        base.network.enable_adapters()


class Losses(NamedTuple):
    """Loss per image (B,) of a batch, and whether all its captions were dropped."""

    values: torch.Tensor
    are_wordless: bool


class Draws(NamedTuple):
    """What chance decides of a batch: noise (B, C, h, w), and of each image the rest (B,)."""

    noise: torch.Tensor
    timesteps: torch.Tensor
    dropped: torch.Tensor  # whether its caption is left out
    order: torch.Tensor  # of the parts of its caption


def draw_chances(
    base: Base, shown: Examples, members: list[int], settings: Settings, generator: torch.Generator
) -> Draws:
    """Draw for some images, on the CPU: a seed means the same on every machine."""
    shape = (len(members), *shown.latents[members[0]].shape)
    noise = torch.randn(shape, generator=generator)
    shift = torch.randn(*shape[:2], 1, 1, generator=generator)  # one a channel
    noise = noise + settings.noise_offset * shift  # lets whole images become dark or bright
    last = base.noise.config.num_train_timesteps
    timesteps = torch.randint(0, last, shape[:1], generator=generator)
    dropped = torch.rand(shape[0], generator=generator) < settings.caption_dropout
    # The last draw, or trainings without other orders would take other steps than before
    order = torch.randint(0, shown.orders, shape[:1], generator=generator)
    return Draws(noise, timesteps, dropped, order)


def draw_losses(
    base: Base,
    shown: Examples,
    members: list[int],
    settings: Settings,
    generator: torch.Generator,
    captions: FreshCaptions | None = None,
    part: slice = WHOLE,
) -> Losses:
    """Losses of some images.

    `captions` are read in place of those that are encoded, where text encoders are in training.
    All is drawn for all images, and computed for those of `part`: the others' losses are 0.
    """
    device, count = base.device, len(members)
    drawn = draw_chances(base, shown, members, settings, generator)
    are_wordless = bool(drawn.dropped.all())
    members, (noise, timesteps, dropped, order) = members[part], (each[part] for each in drawn)
    if not members:
        return Losses(torch.zeros(count, device=device), are_wordless)
    latents = torch.stack([shown.latents[i] for i in members])
    conditions = move(shown.select_conditions(members, dropped, order), device)
    if captions:
        conditions |= captions.read(members, dropped, order)
    weights = torch.stack([shown.weights[i] for i in members]).to(device)
    asked = latents.to(device), conditions, noise.to(device), timesteps.to(device)
    losses = weigh_errors(base, asked, weights, settings)
    if part != WHOLE:
        losses = losses.new_zeros(count).slice_scatter(losses, 0, part.start, None, part.step)
    return Losses(losses, are_wordless)


def weigh_errors(
    base: Base, asked: tuple, weights: torch.Tensor, settings: Settings
) -> torch.Tensor:
    """Loss of each image (B,); `asked` as of predict_noise, `weights` (B, 1, h, w) of its mask."""
    kept = predict_without(base, *asked) if settings.masked_prior_weight else None
    predicted, target = predict_noise(base, *asked)
    losses = weighted_means((predicted - target) ** 2, weights)
    if kept is not None:  # outside the mask the base itself is the target, as in OneTrainer
        outside = weighted_means((predicted - kept) ** 2, 1 - weights)
        losses = losses + settings.masked_prior_weight * outside
    *_, timesteps = asked
    return losses * snr_weights(base, timesteps, settings.min_snr_gamma)
