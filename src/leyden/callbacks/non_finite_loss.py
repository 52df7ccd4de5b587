import json
import logging
from math import isfinite
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from ..errors import RunError

log = logging.getLogger(__name__)

FILE = "non_finite.jsonl"


class Loss(NamedTuple):
    """The loss of one batch on one rank."""

    epoch: int
    batch: int
    step: int
    value: Tensor  # scalar, on the device: reading it synchronizes


class NonFiniteLoss(Callback):
    """Stop or skip a step when the loss is infinite or NaN on any rank; the samples of the batch, with epoch, step and
    seed, are written to `non_finite.jsonl` in the run directory.

    Args:
        action: `stop` ends the run. The loss is read one batch later, or before a checkpoint is saved, so that no step
            waits for the device and no checkpoint contains weights from after it. `skip` skips the optimizer's step,
            with all batches accumulated for it, and restores buffers such as running means; it synchronizes with the
            device and copies the buffers in each step.
    """

    def __init__(self, action: Literal["stop", "skip"] = "stop") -> None:
        self.action = action
        self.unread: list[Loss] = []
        self.buffers: list[Tensor] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self.action == "skip" and not self.unread:
            self.buffers = [buffer.detach().clone() for buffer in pl_module.buffers()]

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        batch = trainer.fit_loop.epoch_loop.batch_idx
        self.unread.append(Loss(trainer.current_epoch, batch, trainer.global_step, loss.detach()))

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        if self.action == "skip" and self._read(trainer, len(self.unread)):
            for parameter in pl_module.parameters():
                parameter.grad = None  # with zeros, momentum and weight decay would still change the parameter
            for buffer, before in zip(pl_module.buffers(), self.buffers, strict=True):
                buffer.copy_(before)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self.action == "stop":
            self._stop(trainer, len(self.unread) - 1)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._stop(trainer, len(self.unread))

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self._stop(trainer, len(self.unread))

    def _stop(self, trainer: Trainer, num_losses: int) -> None:
        if num_losses > 0 and (where := self._read(trainer, num_losses)):
            raise RunError(
                f"the loss is not finite {where}; its samples are in {FILE}. Lower the learning rate, clip gradients "
                "(trainer.gradient_clip_val=1.0), check these samples, or skip them: callbacks.non_finite.action=skip"
            )

    def _read(self, trainer: Trainer, num_losses: int) -> str:
        """Read the oldest losses on all ranks, report the non-finite ones, and return the position of the first."""
        losses, self.unread = self.unread[:num_losses], self.unread[num_losses:]
        if trainer.world_size == 1:
            flags = [[not isfinite(loss.value.item())] for loss in losses]
        else:
            flags = _gather_flags(trainer, torch.stack([loss.value for loss in losses]))
        pairs = zip(losses, flags, strict=True)
        where = [self._report(trainer, loss, is_bad) for loss, is_bad in pairs if any(is_bad)]
        return where[0] if where else ""

    def _report(self, trainer: Trainer, loss: Loss, is_bad: list[bool]) -> str:
        data: Any = trainer.datamodule  # pyrefly: ignore[missing-attribute]
        ranks = [rank for rank, flag in enumerate(is_bad) if flag]
        where = f"in epoch {loss.epoch}, batch {loss.batch}, on rank {', '.join(map(str, ranks))}"
        if trainer.is_global_zero:
            samples = _sample_indices(trainer.train_dataloader, loss.epoch, loss.batch)
            point = {"epoch": loss.epoch, "batch": loss.batch, "step": loss.step, "seed": data.seed}
            line = {**point, "action": self.action, "samples": {rank: samples[rank :: len(is_bad)] for rank in ranks}}
            with (Path(trainer.default_root_dir) / FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            if self.action == "skip":
                log.warning("the loss is not finite %s: step %d is skipped", where, loss.step)
        return where


def _gather_flags(trainer: Trainer, losses: Tensor) -> list[list[bool]]:
    """Return, for each loss and rank, whether it is not finite."""
    flags = torch.zeros(trainer.world_size, len(losses), dtype=torch.uint8, device=losses.device)
    flags[trainer.global_rank] = losses.isfinite().logical_not()
    return trainer.strategy.reduce(flags, reduce_op="max").T.bool().tolist()


def _sample_indices(loader: Any, epoch: int, batch: int) -> list[int]:
    """Return the indices of a batch on all ranks in the official training split."""
    samples = loader.batch_sampler.training_batches(epoch)[batch].tolist()
    indices = getattr(loader.dataset, "indices", None)  # without the samples held out for validation
    return [indices[sample] for sample in samples] if indices else samples
