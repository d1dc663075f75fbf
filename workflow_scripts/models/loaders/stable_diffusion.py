"""Role base: Stable Diffusion 1.x, a folder in diffusers' layout. The light base is one too."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline

from workflow_scripts.models.diffusion import Base, Conditions
from workflow_scripts.models.layer_names import name_plainly
from workflow_scripts.models.loaders.pipelines import open_family


@dataclass(frozen=True)
class StableDiffusion(Base):
    """A UNet that reads the states of CLIP's text encoder."""

    family = "sd15"
    kind = StableDiffusionPipeline
    left_out = {"safety_checker": None}
    network_name = "unet"
    targets = ["to_q", "to_k", "to_v", "to_out.0"]
    text_parts = ("text_encoder",)
    card_version = "SD1"

    @property
    def side_step_px(self) -> int:
        """Sides of training images are multiples of this: the UNet halves the latents too."""
        return self.pixels_per_latent * 2 ** (len(self.network.config.block_out_channels) - 1)

    @property
    def resolution_px(self) -> int:
        return self.network.config.sample_size * self.pixels_per_latent

    def encode_prompts(self, prompts: Sequence[str]) -> Conditions:
        """States (N, 77, width) of the text encoder."""
        return {"states": self.pipeline.encode_prompt(prompts, self.device, 1, False)[0]}

    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        vae = self.pipeline.vae
        return vae.encode(pixels).latent_dist.mode() * vae.config.scaling_factor

    def add_noise(
        self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
    ) -> torch.Tensor:
        return self.noise.add_noise(latents, noise, timesteps)

    def find_target(
        self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
    ) -> torch.Tensor:
        velocity = self.prediction_type == "v_prediction"
        return self.noise.get_velocity(latents, noise, timesteps) if velocity else noise

    def predict(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions
    ) -> torch.Tensor:
        return self.network(noisy, timesteps, conditions["states"]).sample

    def name_layer(self, layer: str) -> tuple[str, int]:
        return name_plainly(layer)


def load_base(
    files: dict[str, Path], *, device: str, architecture: str, version: str, is_random: bool
) -> Base:
    """Open the folder whose model_index.json is in `files`."""
    return open_family(StableDiffusion, files, device, architecture, version, is_random)
