"""The training loop: LoRA on the attention of a base model's network, over cached examples.

Every draw depends on the seed and the number of the step alone, so a resumed training takes exactly
the steps that the interrupted one would have taken.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workflow_scripts.adapter.average import Average
from workflow_scripts.adapter.checkpoint import read_checkpoint, write_checkpoint
from workflow_scripts.adapter.eva import find_directions, start_along
from workflow_scripts.adapter.examples import Examples, encode_again, fixed_losses, seed_for
from workflow_scripts.adapter.fresh_captions import FreshCaptions
from workflow_scripts.adapter.lora_layers import (
    add_adapters,
    get_weights,
    list_alphas,
    list_tensors,
    list_trained,
    set_weights,
)
from workflow_scripts.adapter.losses import WHOLE, draw_losses
from workflow_scripts.adapter.optimizers import make_optimizers
from workflow_scripts.adapter.precision import LossScaler, compile_network, prepare_base
from workflow_scripts.adapter.processes import Team
from workflow_scripts.adapter.sampling import draw_batch
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.adapter.stages import add_up, find_stage, make_rate, plan_stages
from workflow_scripts.adapter.training_checks import check_layers, refuse_loss
from workflow_scripts.adapter.training_data import plan_batches
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.phase import log
from workflow_scripts.models.diffusion import Base

VALIDATION_TIMESTEPS = 4  # per held-out image: early, middle and late noise
EVA_BATCHES = 32  # of the first epoch, from which EVA's start is made


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
        self.train, self.held_out, self.class_images = train, held_out, class_images
        self.settings, self.seed, self.resolution_px = settings, seed, resolution_px
        self.base = prepare_base(base, settings)
        self.plan: tuple[int, list[list[int]]] = (0, self._plan_epoch(0))
        self.stages = plan_stages(settings, len(self.plan[1]), weights)
        self.settings = settings = add_up(settings, self.stages)
        self.step = 0
        self.team: Team | None = None  # processes with which this one shares its batches
        self.parts = list_trained(self.base, settings)
        # Of the training images and of class images, where text encoders are in training
        self.captions = [
            FreshCaptions(self.base, shown, settings.keep_tokens, seed) if shown else None
            for shown in ((train, class_images) if len(self.parts) > 1 else (None, None))
        ]
        self.moved: set[str] = set()  # tensors that have had a gradient
        self.wordless = False  # some batch had all its captions dropped
        self._add_adapters()
        self.tensors = list_tensors(self.parts)
        self.optimizer = make_optimizers(
            settings.optimizer,
            self.tensors,
            rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            loraplus_lr_ratio=settings.loraplus_lr_ratio,
            text_ratio=settings.text_ratio,
        )
        self.scaler = LossScaler(base.device, enabled=settings.precision == "float16")
        self.rate = make_rate(settings, self.stages, self.optimizer.parts[0])
        self.average = Average(list(self.tensors.values()), settings.ema_decay, self.optimizer)
        self.rows: list[dict] = []
        self.best: dict[str, Any] = {"step": 0, "loss": math.inf, "weights": {}}

    def _add_adapters(self) -> None:
        """Put LoRA layers into all that is trained; compile what then computes."""
        directions = []
        if self.settings.init == "eva":  # of what the base alone is fed
            batches = min(len(self.plan[1]), EVA_BATCHES)
            directions = [
                find_directions(part, self.settings, batches, self._look) for part in self.parts
            ]
        add_adapters(self.parts, self.settings, self.seed)
        for part, found in zip(self.parts, directions, strict=False):
            start_along(part, found)
        if self.settings.compile:
            compile_network(self.base)

    @torch.no_grad()
    def _look(self, number: int) -> None:
        """Feed a batch to the base, which without an adapter is its own prior."""
        settings = replace(self.settings, masked_prior_weight=0)
        fed = self.base, self.train, self._batch(number), settings, self._make_generator(number)
        draw_losses(*fed, self.captions[0])

    def run(self, until: int) -> Iterator[int]:
        """Train up to `until` updates; yields the number of each."""
        if self.team:
            self.team.meet(list(self.tensors.values()), self.step)
        if not self.rows:
            self._record(None, 0.0, None)
        while self.step < until:
            rate = self.rate(self.step)
            self.optimizer.set_rate(rate)
            loss = sum(
                self._backward(part) for part in range(self.settings.gradient_accumulation_steps)
            )
            norm = self._clip_gradients()
            rate *= self.optimizer.estimated_rate
            self.scaler.step(self.optimizer, norm)
            self.average.update()
            self.step += 1
            taken = self.step - self.scaler.overflows
            check_layers(
                self.tensors.keys(),
                self.moved,
                taken,
                wordless=self.wordless,
                steps=self.settings.steps,
            )
            self._record(loss, rate, norm if math.isfinite(norm) else None)
            yield self.step

    def _backward(self, part: int) -> float:
        """Add the gradients of one batch; returns its share of the step's loss."""
        number = self.step * self.settings.gradient_accumulation_steps + part
        members = self._batch(number)
        losses = self.losses(members, self._make_generator(number))
        loss = losses.mean()
        if self.settings.prior_loss_weight and self.class_images:
            loss = loss + self.settings.prior_loss_weight * self._prior_losses(number).mean()
        loss = loss / self.settings.gradient_accumulation_steps
        scaled = self.scaler.scale(loss)
        if not self.team or scaled.requires_grad:  # of a last batch some may have no image
            scaled.backward()
        if self.team:
            told = self.team.add_up(torch.hstack((losses, loss)).detach())
            losses, loss = told[:-1], told[-1]
        if not math.isfinite(share := float(loss.detach())):
            images = [self.train.images[i] for i in members]
            refuse_loss(self.step + 1, images, losses.tolist(), self._name_rate(), self.base)
        return share

    def _make_generator(self, number: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed_for(self.seed, "batch", number))

    def _prior_losses(self, number: int) -> torch.Tensor:
        """Losses of a batch of class images (DreamBooth, Ruiz 2022), by draws of their own."""
        sizes, rng = self.class_images.sizes, seed_for(self.seed, "class images", number)
        ones = np.ones(len(sizes))
        members = draw_batch(sizes, ones, self.settings.batch_size, np.random.default_rng(rng))
        return self.losses(members, torch.Generator().manual_seed(rng), self.class_images)

    def losses(
        self, members: list[int], generator: torch.Generator, shown: Examples | None = None
    ) -> torch.Tensor:
        """Loss per image (B,) of the training images, or of others that are `shown`.

        In a team each process computes its share; the others' losses are 0.
        """
        fresh, part = self.captions[shown is not None], self.team.part if self.team else WHOLE
        shown = shown or self.train
        drawn = draw_losses(self.base, shown, members, self.settings, generator, fresh, part)
        self.wordless |= drawn.are_wordless
        return drawn.values

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
        if self.team:  # before they are scaled back: float16 overflows for all or for none
            self.team.add_gradients(list(self.tensors.values()))
        self.scaler.unscale(self.optimizer.parts)
        for name, tensor in self.tensors.items():
            if name not in self.moved and tensor.grad is not None and tensor.grad.any():
                self.moved.add(name)
        limit = self.settings.max_grad_norm or math.inf
        return float(torch.nn.utils.clip_grad_norm_(self.tensors.values(), limit))

    def _name_rate(self) -> str:
        """Where the learning rate of the step comes from."""
        number = find_stage(self.stages, self.step)
        place = f"stage {number + 1} of adapter stages" if self.settings.stages else "adapter.tiers"
        return f"learning_rate of {place}, now {self.stages[number].learning_rate}"

    def _record(self, loss: float | None, rate: float, norm: float | None) -> None:
        settings, measured = self.settings, None
        due = self.step % settings.validate_every == 0 or self.step == settings.steps
        if due and len(self.held_out) and not (self.team and self.team.rank):
            with self.average.applied():
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
        held_out = encode_again(self.base, self.held_out) if self.captions[0] else self.held_out
        losses = fixed_losses(self.base, held_out, timesteps=VALIDATION_TIMESTEPS, seed=self.seed)
        measured = float(losses.mean())
        if self.step > 0 and measured < self.best["loss"]:
            self.best = {"step": self.step, "loss": measured, "weights": self.weights()}
        return measured

    def weights(self) -> dict[str, torch.Tensor]:
        """The adapter as it is now, under peft's names."""
        return get_weights(self.parts)

    def alphas(self) -> dict[str, float]:
        """Alpha of each layer, as files have it."""
        return list_alphas(self.parts, self.settings)

    def chosen(self) -> tuple[int, dict[str, torch.Tensor]]:
        """Step and weights that become the adapter."""
        if self.settings.keep == "best" and self.best["weights"]:
            return self.best["step"], self.best["weights"]
        with self.average.applied():
            return self.step, self.weights()

    def save(self, path: Path, fingerprint: str) -> None:
        """Leave all that a later process needs to go on; the file appears whole or not at all."""
        state = {
            "fingerprint": fingerprint,
            "step": self.step,
            "weights": self.weights(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": self.average.state_dict(),
            "moved": sorted(self.moved),
            "rows": self.rows,
            "best": self.best,
        }
        write_checkpoint(path, state)

    def resume(self, path: Path, fingerprint: str) -> None:
        """Go on from a checkpoint of the very same training; any other is left alone."""
        if not path.is_file():
            return
        try:
            state = read_checkpoint(path)
        except CineloraError as error:  # it costs the steps before it, and nothing else
            log.warning("training starts anew: %s", error)
            return
        if state["fingerprint"] != fingerprint:
            log.info("%s belongs to other settings or data: training starts anew", path)
            return
        set_weights(self.parts, state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.average.load_state_dict(state["average"])
        self.step, self.moved = state["step"], set(state["moved"])
        self.rows, self.best = state["rows"], state["best"]
        log.info("resumed after step %d", self.step)
