"""The linear yardstick of a VAE: principal components of blocks of 8x8 pixels.

They need no training worth the name, so a VAE that draws worse is not worth its time. Their
coefficients are also what the encoder is drawn towards at the start.
"""

from dataclasses import dataclass

import numpy as np
import torch

SIDE = 8  # pixels of a block, and of a latent


@dataclass(frozen=True)
class Blocks:
    """Mean (192,), components (channels, 192) and the deviation of each coefficient (channels,)."""

    mean: torch.Tensor
    components: torch.Tensor
    deviations: torch.Tensor

    def to(self, device: torch.device) -> "Blocks":
        return Blocks(*(t.to(device) for t in (self.mean, self.components, self.deviations)))

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        """Coefficients (B, channels, H/8, W/8) of deviation 1, of pixels (B, 3, H, W)."""
        rows = torch.nn.functional.unfold(pixels, SIDE, stride=SIDE)  # (B, 192, blocks)
        found = self.components @ (rows - self.mean[:, None])
        height, width = (size // SIDE for size in pixels.shape[2:])
        return (found / self.deviations[:, None]).unflatten(2, (height, width))

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Pixels (B, 3, H, W) of coefficients (B, channels, H/8, W/8)."""
        size = [side * SIDE for side in latents.shape[2:]]
        rows = self.components.T @ (latents.flatten(2) * self.deviations[:, None])
        return torch.nn.functional.fold(rows + self.mean[:, None], size, SIDE, stride=SIDE)


def fit_blocks(images: np.ndarray, channels: int) -> Blocks:
    """Principal components of the blocks of images (N, H, W, 3) uint8."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    rows = torch.nn.functional.unfold(pixels, SIDE, stride=SIDE).transpose(1, 2).flatten(0, 1)
    mean = rows.mean(0)
    centered = rows - mean
    values, vectors = torch.linalg.eigh(centered.T @ centered / len(rows))  # smallest first
    components = vectors.T.flip(0)[:channels].contiguous()
    deviations = values.flip(0)[:channels].clamp(min=1e-8).sqrt()
    return Blocks(mean, components, deviations)


def psnr(images: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio (B,) in dB, of pixels -1 to 1; drawn ones are clamped to them."""
    error = ((images - drawn.clamp(-1, 1)) ** 2).mean((1, 2, 3))
    return 10 * torch.log10(4 / error.clamp(min=1e-10))
