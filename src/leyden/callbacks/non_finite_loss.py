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
    """Of one batch on one rank."""

    epoch: int
    batch: int
    step: int
    value: Tensor  # scalar, on the device: reading it waits for the batch


class NonFiniteLoss(Callback):
    """Acts when the loss of a batch is infinite or not a number, on any rank; the samples of the batch, with epoch, step
    and seed, are kept in `non_finite.jsonl` of the run directory.

    Args:
        action: `stop` ends the run. What a batch has done is known one batch later, or when a checkpoint is about to be
            saved, so that no step waits for the device and no checkpoint holds weights from after it. `skip` leaves
            out the optimizer's step, with all batches accumulated for it, and takes back what the batches did to
            buffers such as a norm's running mean. The device is waited for, and the buffers are copied, at each step.
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
                parameter.grad = None  # unlike zeros, which momentum and weight decay would make a step of
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

    def _stop(self, trainer: Trainer, number: int) -> None:
        if number > 0 and (where := self._read(trainer, number)):
            raise RunError(
                f"the loss is not finite {where}; its samples are in {FILE}. Lower the learning rate, clip the gradients "
                "(trainer.gradient_clip_val=1.0), look at these samples, or go on without: callbacks.non_finite.action=skip"
            )

    def _read(self, trainer: Trainer, number: int) -> str:
        """Takes the oldest losses, agrees on them with all ranks, reports the bad ones, and says where the first is."""
        losses, self.unread = self.unread[:number], self.unread[number:]
        if trainer.world_size == 1:
            flags = [[not isfinite(loss.value.item())] for loss in losses]
        else:
            flags = _gathered(trainer, torch.stack([loss.value for loss in losses]))
        pairs = zip(losses, flags, strict=True)
        where = [self._report(trainer, loss, is_bad) for loss, is_bad in pairs if any(is_bad)]
        return where[0] if where else ""

    def _report(self, trainer: Trainer, loss: Loss, is_bad: list[bool]) -> str:
        data: Any = trainer.datamodule  # pyrefly: ignore[missing-attribute]
        ranks = [rank for rank, flag in enumerate(is_bad) if flag]
        where = f"in epoch {loss.epoch}, batch {loss.batch}, on rank {', '.join(map(str, ranks))}"
        if trainer.is_global_zero:
            samples = _rows(trainer.train_dataloader, loss.epoch, loss.batch)
            place = {"epoch": loss.epoch, "batch": loss.batch, "step": loss.step, "seed": data.seed}
            line = {**place, "action": self.action, "samples": {rank: samples[rank :: len(is_bad)] for rank in ranks}}
            with (Path(trainer.default_root_dir) / FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            if self.action == "skip":
                log.warning("the loss is not finite %s: step %d is skipped", where, loss.step)
        return where


def _gathered(trainer: Trainer, losses: Tensor) -> list[list[bool]]:
    """Of each loss, on each rank: whether it is not finite."""
    flags = torch.zeros(trainer.world_size, len(losses), dtype=torch.uint8, device=losses.device)
    flags[trainer.global_rank] = losses.isfinite().logical_not()
    return trainer.strategy.reduce(flags, reduce_op="max").T.bool().tolist()


def _rows(loader: Any, epoch: int, batch: int) -> list[int]:
    """Sample numbers of a batch over all ranks, in the official training split."""
    samples = loader.batch_sampler.training_batches(epoch)[batch].tolist()
    chosen = getattr(loader.dataset, "indices", None)  # less the samples for validation
    return [chosen[sample] for sample in samples] if chosen else samples
