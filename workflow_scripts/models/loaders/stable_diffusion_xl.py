"""Role base: Stable Diffusion XL, a folder in diffusers' layout."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.diffusion import TEXT_TARGETS, Base, Conditions, Size
from workflow_scripts.models.layer_names import name_plainly
from workflow_scripts.models.loaders.pipelines import open_family
from workflow_scripts.models.loaders.stable_diffusion import StableDiffusion

TEXT_PREFIXES = {"text_encoder": "lora_te1", "text_encoder_2": "lora_te2"}
ATTENTION = re.compile(r"(down_blocks\.(\d+)|mid_block|up_blocks\.(\d+))\.attentions\.(\d+)\.")


@dataclass(frozen=True)
class StableDiffusionXL(StableDiffusion):
    """A UNet that reads two text encoders, and how each image was scaled and cut."""

    family = "sdxl"
    kind = StableDiffusionXLPipeline
    left_out = {"add_watermarker": False}
    text_parts = ("text_encoder", "text_encoder_2")
    card_version = "SDXL"
    modelspec = {
        "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
        "modelspec.encoder_layer": 2,  # the last but one of both encoders
    }

    def encode_prompts(self, prompts: Sequence[str]) -> Conditions:
        """States (N, 77, width) of both text encoders side by side, and the second's pooled one.

        Of "" they are 0 where the pipeline asks with zeros when there is no negative prompt.
        """
        states, _, pooled, _ = self.pipeline.encode_prompt(
            prompts, device=self.device, do_classifier_free_guidance=False
        )
        if self.pipeline.config.force_zeros_for_empty_prompt:
            empty = [number for number, prompt in enumerate(prompts) if not prompt]
            states[empty], pooled[empty] = 0, 0
        return {"states": states, "pooled": pooled}

    def find_text_targets(self, part: str) -> list[str] | str:
        """All but the last layer of the first encoder, whose last but one the UNet reads.

        The second's last one is read for its pooled state.
        """
        if part == "text_encoder_2":
            return TEXT_TARGETS
        count = self.pipeline.text_encoder.config.num_hidden_layers - 1
        read = "|".join(map(str, range(count)))
        return rf".*layers\.({read})\.self_attn\.({'|'.join(TEXT_TARGETS)})"

    def encode_size(self, original: Size, corner: Size, size: Size) -> Conditions:
        """The six time ids (6,)."""
        return {"time_ids": torch.tensor([*original, *corner, *size], dtype=torch.float32)}

    def predict(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions
    ) -> torch.Tensor:
        added = {"text_embeds": conditions["pooled"], "time_ids": conditions["time_ids"]}
        states = conditions["states"]
        return self.network(noisy, timesteps, states, added_cond_kwargs=added).sample

    def name_layer(self, layer: str) -> tuple[str, int]:
        is_text = layer.partition(".")[0] in TEXT_PREFIXES
        return name_plainly(layer if is_text else self.name_block(layer), TEXT_PREFIXES)

    def name_block(self, layer: str) -> str:
        """A layer of the UNet as Stability's own code numbers blocks, whose second part attends."""
        found = ATTENTION.match(layer)
        if found is None:
            raise CineloraError(
                f"the layer {layer} has no name in kohya's files for {self.family}.\n"
                "  Adapters of this family change layers of attention blocks only."
            )
        _, down, up, place = found.groups()
        per_level = self.network.config.layers_per_block + 1  # down: then a smaller image; up: more
        if down is not None:  # the first block down is the convolution that reads the latents
            block = f"input_blocks.{1 + int(down) * per_level + int(place)}"
        elif up is not None:
            block = f"output_blocks.{int(up) * per_level + int(place)}"
        else:
            block = "middle_block"
        return f"{block}.1.{layer[found.end() :]}"


def load_base(
    files: dict[str, Path], *, device: str, architecture: str, version: str, is_random: bool
) -> Base:
    """Open the folder whose model_index.json is in `files`."""
    return open_family(StableDiffusionXL, files, device, architecture, version, is_random)
