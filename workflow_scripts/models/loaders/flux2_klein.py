"""Role base: FLUX.2 klein, a folder in diffusers' layout: a transformer that matches flows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, Flux2KleinPipeline

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.diffusion import FLOW, Base, Conditions
from workflow_scripts.models.loaders.pipelines import open_family

TOKENS = 512  # that its pipeline reads of a prompt
BLOCK = re.compile(r"(single_)?transformer_blocks\.(\d+)\.(.+)")
# A layer of a block in diffusers: its name in kohya's files, and its place where that is q, k and v
DOUBLE = {
    "attn.to_q": ("img_attn_qkv", 0),
    "attn.to_k": ("img_attn_qkv", 1),
    "attn.to_v": ("img_attn_qkv", 2),
    "attn.to_out.0": ("img_attn_proj", 0),
    "attn.add_q_proj": ("txt_attn_qkv", 0),
    "attn.add_k_proj": ("txt_attn_qkv", 1),
    "attn.add_v_proj": ("txt_attn_qkv", 2),
    "attn.to_add_out": ("txt_attn_proj", 0),
}
SINGLE = {"attn.to_qkv_mlp_proj": ("linear1", 0), "attn.to_out": ("linear2", 0)}


@dataclass(frozen=True)
class Flux2Klein(Base):
    """A transformer that reads states of a language model; latents are patches of 2 x 2.

    How patches are packed is known to the pipeline alone. Its methods for it have no public name,
    but diffusers' own training script calls them too.
    """

    family = "flux2"
    kind = Flux2KleinPipeline
    schedule = FlowMatchEulerDiscreteScheduler
    gpu_dtype = (
        torch.bfloat16
    )  # as it was published; twice as much would not fit beside the encoder
    network_name = "transformer"
    # not the names alone: to_out of a single block is a layer, that of a double one a list
    targets = (
        r"transformer_blocks\.\d+\.("
        + "|".join(map(re.escape, DOUBLE))
        + ")"
        + (r"|single_transformer_blocks\.\d+\.(" + "|".join(map(re.escape, SINGLE)) + ")")
    )
    modelspec = {
        "modelspec.implementation": "https://github.com/black-forest-labs/flux2",
        "modelspec.prediction_type": None,
        "modelspec.encoder_layer": None,
    }

    @property
    def pixels_per_latent(self) -> int:
        return (
            2 * self.pipeline.vae_scale_factor
        )  # a patch is one latent of four times the channels

    @property
    def side_step_px(self) -> int:
        return self.pixels_per_latent

    @property
    def resolution_px(self) -> int:
        return self.pipeline.default_sample_size * self.pipeline.vae_scale_factor

    @property
    def prediction_type(self) -> str:
        return FLOW

    def encode_prompts(self, prompts: Sequence[str]) -> Conditions:
        """States (N, 512, width) of three layers of the language model, and their places."""
        states, places = self.pipeline.encode_prompt(list(prompts), self.device)
        return {"states": states, "text_ids": places}

    def count_tokens(self, prompt: str) -> int:
        return self._count_chat(prompt) - self._count_chat("")

    @property
    def token_limit(self) -> int:
        """512, less what the chat around a prompt takes."""
        return self.pipeline.tokenizer_max_length - self._count_chat("")

    def _count_chat(self, prompt: str) -> int:
        """Tokens of a prompt as the pipeline asks the language model with it."""
        tokenizer = self.pipeline.tokenizer
        chat = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,
        )
        return len(tokenizer(chat).input_ids)

    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.pipeline._encode_vae_image(pixels, generator=None)  # the middle, standardized

    def find_levels(self, timesteps: torch.Tensor) -> torch.Tensor:
        """What the scheduler calls timesteps (N,): from above 0 to 1000, all noise."""
        return self.noise.timesteps.flip(0).to(timesteps.device)[timesteps]

    def add_noise(
        self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
    ) -> torch.Tensor:
        return self.noise.scale_noise(latents, self.find_levels(timesteps), noise)

    def find_target(
        self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
    ) -> torch.Tensor:
        """The straight way from image to noise, whatever the timestep."""
        return noise - latents

    def predict(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions
    ) -> torch.Tensor:
        places = self.pipeline._prepare_latent_ids(noisy).to(noisy.device)
        predicted = self.network(
            hidden_states=self.pipeline._pack_latents(noisy).to(self.network.dtype),
            timestep=self.find_levels(timesteps) / self.noise.config.num_train_timesteps,
            encoder_hidden_states=conditions["states"],
            img_ids=places,
            txt_ids=conditions["text_ids"],
        ).sample
        return self.pipeline._unpack_latents_with_ids(predicted, places, *noisy.shape[2:])

    def name_layer(self, layer: str) -> tuple[str, int]:
        """As Black Forest Labs' own code names it, where q, k and v of a double block are one."""
        found = BLOCK.fullmatch(layer)
        names = SINGLE if found and found[1] else DOUBLE
        if found is None or found[3] not in names:
            raise CineloraError(
                f"the layer {layer} has no name in kohya's files for {self.family}.\n"
                "  Adapters of this family change layers of attention only."
            )
        name, place = names[found[3]]
        return f"lora_unet_{'single' if found[1] else 'double'}_blocks_{found[2]}_{name}", place


def load_base(
    files: dict[str, Path], *, device: str, architecture: str, version: str, is_random: bool
) -> Base:
    """Open the folder whose model_index.json is in `files`."""
    return open_family(Flux2Klein, files, device, architecture, version, is_random)
