"""What the error at each level of noise counts in training."""

import torch

from workflow_scripts.models.diffusion import FLOW, Base, signal_to_noise


def snr_weights(base: Base, timesteps: torch.Tensor, gamma: float) -> torch.Tensor:
    """Min-SNR weights (B,): easy, almost noiseless timesteps count less; all 1 when gamma is 0.

    They are made for noise that is predicted: where a flow is, all timesteps count alike.
    """
    if not gamma or base.prediction_type == FLOW:
        return torch.ones(len(timesteps), device=timesteps.device)
    snr = signal_to_noise(base, timesteps)
    velocity = base.prediction_type == "v_prediction"
    return snr.clamp_max(gamma) / (snr + 1 if velocity else snr)
