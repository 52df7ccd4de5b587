import logging
import time
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from .flops import Flops, peak_flops

log = logging.getLogger(__name__)

# Warn if training waits longer for data in an epoch, as a fraction of its time and in seconds.
WAIT_FRACTION, WAIT_SECONDS = 0.2, 1.0


class Throughput(Callback):
    """Log the training throughput of each epoch, without validation and checkpoints:

    - `train/samples_per_second` over all devices, and `train/tokens_per_second` for windows of token ids;
    - `train/padding`, the padded fraction of inputs with lengths;
    - `train/data_wait`, the fraction of time spent waiting for data on the slowest rank, with a warning if it is large;
    - `train/flops_utilization`, if the peak of the device is known: model FLOPs utilization (Chowdhery et al., PaLM,
      2022, https://arxiv.org/abs/2204.02311) of matrix products, convolutions and attention.

    Args:
        peak_flops: Peak FLOP/s of one device; by default that of known GPUs.

    Raises:
        ValueError: `peak_flops` is not positive.
    """

    def __init__(self, peak_flops: float | None = None) -> None:
        if peak_flops is not None and peak_flops <= 0:
            raise ValueError(f"expected peak_flops above 0, got {peak_flops}")
        self.given_peak, self.peak, self.flops = peak_flops, peak_flops, Flops()
        self.waited_before, self.has_warned = 0.0, False
        self._reset()
        self._resumed: dict[str, Any] | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start(trainer)  # `on_train_epoch_start` is not called for a resumed epoch
        self.peak = self.given_peak or peak_flops(trainer)
        if self._resumed:
            self._restore(trainer, pl_module, self._resumed)
        self._resumed = None

    def _restore(self, trainer: Trainer, pl_module: LightningModule, earlier: dict[str, Any]) -> None:
        """Add the counts and the time of this epoch before it was interrupted."""
        self.samples, self.tokens, self.elements = (
            earlier[name] // trainer.world_size for name in ("rows", "tokens", "elements")
        )
        self.begin -= earlier["seconds"]
        self.waited_before -= earlier["waited"]
        if trainer.is_global_zero:  # the sums over all ranks
            self.positions = earlier["places"]
            self.valid = torch.tensor(earlier["valid"], device=pl_module.device)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start(trainer)

    def _start(self, trainer: Trainer) -> None:
        self._reset()
        self.waited_before = _seconds_waited(trainer)

    def _reset(self) -> None:
        self.begin = self.end = time.perf_counter()
        self.samples = self.tokens = self.positions = self.elements = 0
        self.valid: Tensor | None = None

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        valid, positions = self._count_positions(trainer, pl_module)
        checkpoint["throughput"] = {
            "rows": self.samples * trainer.world_size,
            "tokens": self.tokens * trainer.world_size,
            "elements": self.elements * trainer.world_size,
            "valid": valid,
            "places": positions,
            "seconds": self.end - self.begin,
            "waited": _seconds_waited(trainer) - self.waited_before,
        }
        checkpoint["flops"] = self.flops.per_element

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self._resumed = checkpoint.get("throughput")
        self.flops.per_element = checkpoint.get("flops")  # counting again would run a compiled network uncompiled

    def _count_positions(self, trainer: Trainer, pl_module: LightningModule) -> tuple[int, int]:
        """Return the number of positions without padding and of all positions in this epoch's inputs on all ranks."""
        valid = torch.tensor(0, device=pl_module.device) if self.valid is None else self.valid
        counts = trainer.strategy.reduce(torch.stack([valid, torch.full_like(valid, self.positions)]), reduce_op="sum")
        valid, positions = counts.tolist()
        return valid, positions

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self.peak:
            self.flops.start()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.flops.stop()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.flops.stop(batch)
        self.samples += len(batch.inputs)
        self.elements += batch.inputs.numel()
        if batch.lengths is not None:
            self.positions += len(batch.inputs) * batch.inputs.shape[-1]
            # Summed on the device, without synchronizing.
            self.valid = batch.lengths.sum() if self.valid is None else self.valid + batch.lengths.sum()
        elif not batch.inputs.is_floating_point():
            self.tokens += batch.inputs.numel()
        self.end = time.perf_counter()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        pause = time.perf_counter() - self.end
        self.begin, self.end = self.begin + pause, self.end + pause

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.samples:
            seconds = self.end - self.begin
            times = trainer.world_size / seconds
            pl_module.log("train/samples_per_second", self.samples * times, rank_zero_only=True)
            if self.tokens:
                pl_module.log("train/tokens_per_second", self.tokens * times, rank_zero_only=True)
            if self.peak and self.flops.per_element:
                used = self.flops.per_element * self.elements / seconds / self.peak
                pl_module.log("train/flops_utilization", used, rank_zero_only=True)
            self._log_waiting(trainer, pl_module, seconds)
        valid, positions = self._count_positions(trainer, pl_module)
        if positions:
            pl_module.log("train/padding", 1 - valid / positions, rank_zero_only=True)

    def _log_waiting(self, trainer: Trainer, pl_module: LightningModule, seconds: float) -> None:
        if not hasattr(_profiler(trainer), "seconds_waited"):  # another profiler, which reports this itself
            return
        waited = _seconds_waited(trainer) - self.waited_before
        own = torch.tensor([waited / seconds, waited], device=pl_module.device)
        share, waited = trainer.strategy.reduce(own, reduce_op="max").tolist()
        pl_module.log("train/data_wait", share, rank_zero_only=True)
        if share > WAIT_FRACTION and waited > WAIT_SECONDS and not self.has_warned:
            self.has_warned = True
            data: Any = trainer.datamodule  # pyrefly: ignore[missing-attribute]
            log.warning("training waits for data in %.0f %% of its time: try %s", 100 * share, data.loading_advice())


def _seconds_waited(trainer: Trainer) -> float:
    return getattr(_profiler(trainer), "seconds_waited", 0.0)


def _profiler(trainer: Trainer) -> Any:
    return trainer.profiler  # pyrefly: ignore[missing-attribute]
