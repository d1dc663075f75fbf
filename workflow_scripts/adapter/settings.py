"""Every option of a training, with what follows from them."""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Settings:
    """Every option of a training, as plan/adapter_settings.py resolves the block adapter."""

    steps: int
    learning_rate: float
    rank: int
    alpha: float
    rslora: bool
    batch_size: int
    gradient_accumulation_steps: int
    resolution_px: int | str
    schedule: str
    warmup: float
    optimizer: str
    loraplus_lr_ratio: float
    weight_decay: float
    max_grad_norm: float
    ema_decay: float
    min_snr_gamma: float
    noise_offset: float
    caption_dropout: float
    caption_orders: int
    keep_tokens: int
    background_loss_weight: float
    validations: int
    validation_images: int
    checkpoints: int
    kept_checkpoints: int
    keep: str
    license: str
    stages: list[dict[str, Any]]  # in place of steps and learning_rate; []: one of these

    @property
    def file_alpha(self) -> float:
        """Alpha as files have it: hosts scale by alpha / rank, rsLoRA by alpha / √rank."""
        return self.alpha * math.sqrt(self.rank) if self.rslora else self.alpha

    @property
    def validate_every(self) -> int:
        """Steps between two measurements of the held-out loss."""
        return math.ceil(self.steps / self.validations)

    @property
    def save_every(self) -> int:
        """Steps between two checkpoints; beyond the last step when there are none."""
        return math.ceil(self.steps / (self.checkpoints + 1))
