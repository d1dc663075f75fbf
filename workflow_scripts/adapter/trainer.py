"""The training loop: LoRA on the attention of a base model's network, over cached examples.

Every draw depends on the seed and the number of the step alone, so a resumed training takes exactly
the steps that the interrupted one would have taken.
"""

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.training_utils import EMAModel, cast_training_params
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict

from workflow_scripts.adapter.examples import Examples, fixed_losses, seed_for
from workflow_scripts.adapter.finished import read_state
from workflow_scripts.adapter.losses import draw_losses
from workflow_scripts.adapter.optimizers import make_optimizers
from workflow_scripts.adapter.sampling import draw_batch
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.adapter.stages import add_up, find_stage, make_rate, plan_stages
from workflow_scripts.adapter.training_data import plan_batches
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.phase import log
from workflow_scripts.models.diffusion import Base

VALIDATION_TIMESTEPS = 4  # per held-out image: early, middle and late noise


def add_adapter(base: Base, settings: Settings, seed: int) -> dict[str, torch.nn.Parameter]:
    """Put LoRA layers into the network; returns its trainable tensors by name."""
    torch.manual_seed(seed)  # before the layers are made, or their start would not be ours
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=base.targets,
        use_rslora=settings.rslora,
    )
    base.network.add_adapter(config)
    base.network.train()
    cast_training_params(base.network)  # small updates are lost in bfloat16
    return {n: p for n, p in base.network.named_parameters() if p.requires_grad}


class Trainer:
    """The state of one training: network, optimizer, average, step, curve, best weights so far."""

    def __init__(
        self,
        base: Base,
        train: Examples,
        held_out: Examples,
        settings: Settings,
        seed: int,
        resolution_px: int,
        weights: Sequence[Sequence[float] | None] = (),
        class_images: Examples | None = None,
    ):
        """`weights`, one a stage, say how often each image of `train` comes in it.

        `class_images` are what the base should still draw as before: prior preservation.
        """
        self.base, self.train, self.held_out = base, train, held_out
        self.class_images = class_images
        self.settings, self.seed, self.resolution_px = settings, seed, resolution_px
        self.plan: tuple[int, list[list[int]]] = (0, self._plan_epoch(0))
        self.stages = plan_stages(settings, len(self.plan[1]), weights)
        self.settings = add_up(settings, self.stages)
        self.tensors = add_adapter(base, settings, seed)
        self.optimizer = make_optimizers(
            settings.optimizer,
            self.tensors,
            rate=self.settings.learning_rate,
            weight_decay=settings.weight_decay,
            loraplus_lr_ratio=settings.loraplus_lr_ratio,
        )
        self.rate = make_rate(self.settings, self.stages, self.optimizer.parts[0])
        # Its decay is min(ema_decay, (1 + n) / (10 + n)) at update n: the start is soon forgotten
        decay, tensors = settings.ema_decay, self.tensors.values()
        self.average = EMAModel(tensors, decay=decay, foreach=True) if decay else None
        self.step = 0
        self.moved: set[str] = set()  # tensors that have had a gradient
        self.rows: list[dict] = []
        self.best: dict[str, Any] = {"step": 0, "loss": math.inf, "weights": {}}

    def run(self, until: int) -> Iterator[int]:
        """Train up to `until` updates; yields the number of each."""
        if not self.rows:
            self._record(None, 0.0, None)
        while self.step < until:
            rate = self.rate(self.step)
            self.optimizer.set_rate(rate)
            loss = sum(
                self._backward(part) for part in range(self.settings.gradient_accumulation_steps)
            )
            norm = self._clip_gradients()
            self.optimizer.step()
            if self.average:
                self.average.step(self.tensors.values())
            self.step += 1
            self._check(loss)
            self._record(loss, rate, norm)
            yield self.step

    def _backward(self, part: int) -> float:
        """Add the gradients of one batch; returns its share of the step's loss."""
        number = self.step * self.settings.gradient_accumulation_steps + part
        generator = torch.Generator().manual_seed(seed_for(self.seed, "batch", number))
        loss = self.losses(self._batch(number), generator).mean()
        if self.settings.prior_loss_weight and self.class_images:
            loss = loss + self.settings.prior_loss_weight * self._prior_losses(number).mean()
        loss = loss / self.settings.gradient_accumulation_steps
        loss.backward()
        return float(loss.detach())

    def _prior_losses(self, number: int) -> torch.Tensor:
        """Losses of a batch of class images (DreamBooth, Ruiz 2022), by draws of their own."""
        sizes, rng = self.class_images.sizes, seed_for(self.seed, "class images", number)
        ones = np.ones(len(sizes))
        members = draw_batch(sizes, ones, self.settings.batch_size, np.random.default_rng(rng))
        return self.losses(members, torch.Generator().manual_seed(rng), self.class_images)

    def losses(
        self, members: list[int], generator: torch.Generator, shown: Examples | None = None
    ) -> torch.Tensor:
        """Loss per image (B,) of the training images, or of others that are `shown`."""
        return draw_losses(self.base, shown or self.train, members, self.settings, generator)

    def _batch(self, number: int) -> list[int]:
        """Indices of the images of one batch, counted from the start of the training."""
        weights = self.stages[find_stage(self.stages, self.step)].weights
        if weights is not None:
            rng = np.random.default_rng(seed_for(self.seed, "sampling", number))
            return draw_batch(self.train.sizes, weights, self.settings.batch_size, rng)
        epoch, position = divmod(number, len(self.plan[1]))
        if epoch != self.plan[0]:
            self.plan = (epoch, self._plan_epoch(epoch))
        return self.plan[1][position]

    def _plan_epoch(self, epoch: int) -> list[list[int]]:
        rng = np.random.default_rng(seed_for(self.seed, "epoch", epoch))
        repeats = [image.repeats for image in self.train.images]
        return plan_batches(self.train.sizes, repeats, self.settings.batch_size, rng)

    def _clip_gradients(self) -> float:
        for name, tensor in self.tensors.items():
            if name not in self.moved and tensor.grad is not None and tensor.grad.any():
                self.moved.add(name)
        limit = self.settings.max_grad_norm or math.inf
        return float(torch.nn.utils.clip_grad_norm_(self.tensors.values(), limit))

    def _check(self, loss: float) -> None:
        """A loss that is no number, or a layer that does not learn, ends the training."""
        if not math.isfinite(loss) and self.step > 1:
            raise CineloraError(
                f"the loss of step {self.step} is {loss}.\n"
                f"  The training diverged: lower the learning rate ({self._name_rate()})\n"
                "  and run snakemake again."
            )
        if not math.isfinite(loss):
            raise CineloraError(
                f"the loss of step {self.step} is {loss}.\n"
                "  No update was made yet, so it is not the learning rate: weights of the base\n"
                "  are no numbers, or too large for its type. Its sha256 begins with\n"
                f"  {self.base.sha256[:12]}: fetch or build it again, or choose another."
            )
        # lora_B starts at 0, so lora_A has its first gradient in the second step
        still = sorted(set(self.tensors) - self.moved) if self.step == 2 else []
        if still:
            raise CineloraError(
                f"{len(still)} of {len(self.tensors)} adapter tensors had no gradient in two\n"
                f"  steps: {', '.join(still[:4])}{' ...' if len(still) > 4 else ''}.\n"
                "  These layers would stay as they are: the base model does not use them, or\n"
                "  the learning rate is 0."
            )

    def _name_rate(self) -> str:
        """Where the learning rate of the last step comes from."""
        number = find_stage(self.stages, self.step - 1)
        place = f"stage {number + 1} of adapter stages" if self.settings.stages else "adapter.tiers"
        return f"learning_rate of {place}, now {self.stages[number].learning_rate}"

    def _record(self, loss: float | None, rate: float, norm: float | None) -> None:
        settings, measured = self.settings, None
        due = self.step % settings.validate_every == 0 or self.step == settings.steps
        if due and len(self.held_out):
            with self.averaged():
                measured = self._measure()
        epoch = self.step * settings.gradient_accumulation_steps / len(self.plan[1])
        self.rows.append(
            {
                "step": self.step,
                "epoch": epoch,
                "loss": loss,
                "validation_loss": measured,
                "learning_rate": rate,
                "grad_norm": norm,
            }
        )

    def _measure(self) -> float:
        """The held-out loss of the weights as they are now; the best ones are kept."""
        losses = fixed_losses(
            self.base, self.held_out, timesteps=VALIDATION_TIMESTEPS, seed=self.seed
        )
        measured = float(losses.mean())
        if self.step > 0 and measured < self.best["loss"]:
            self.best = {"step": self.step, "loss": measured, "weights": self.weights()}
        return measured

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within, the network has what would become the adapter: the average, if there is one."""
        if not self.average:
            yield
            return
        self.average.store(self.tensors.values())
        self.average.copy_to(self.tensors.values())
        try:
            yield
        finally:
            self.average.restore(self.tensors.values())

    def weights(self) -> dict[str, torch.Tensor]:
        """The adapter as it is now, under peft's names."""
        state = get_peft_model_state_dict(self.base.network)
        return {key: tensor.detach().clone().cpu() for key, tensor in state.items()}

    def chosen(self) -> tuple[int, dict[str, torch.Tensor]]:
        """Step and weights that become the adapter."""
        if self.settings.keep == "best" and self.best["weights"]:
            return self.best["step"], self.best["weights"]
        with self.averaged():
            return self.step, self.weights()

    def save(self, path: Path, fingerprint: str) -> None:
        """Leave all that a later process needs to go on; the file appears whole or not at all."""
        state = {
            "fingerprint": fingerprint,
            "step": self.step,
            "weights": self.weights(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state_dict() if self.average else None,
            "moved": sorted(self.moved),
            "rows": self.rows,
            "best": self.best,
        }
        whole = io.BytesIO()  # torch hides from the reader of its error that a disk is full
        torch.save(state, whole)
        with replace_when_done(path) as partial:
            partial.write_bytes(whole.getbuffer())

    def resume(self, path: Path, fingerprint: str) -> None:
        """Go on from a checkpoint of the very same training; any other is left alone."""
        if not path.is_file():
            return
        state = read_state(path)
        if not state:
            return
        if state["fingerprint"] != fingerprint:
            log.info("%s belongs to other settings or data: training starts anew", path)
            return
        set_peft_model_state_dict(self.base.network, state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average:
            self.average.load_state_dict(state["average"])
            self.average.to(self.base.device)
        self.step, self.moved = state["step"], set(state["moved"])
        self.rows, self.best = state["rows"], state["best"]
        log.info("resumed after step %d", self.step)
