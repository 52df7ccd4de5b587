import logging
import time
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from .flops import Flops, peak_flops

log = logging.getLogger(__name__)

# An epoch in which training waits longer for data, as a share of it and in seconds, is worth a warning.
MUCH_WAITING, LONG_WAITING = 0.2, 1.0


class Throughput(Callback):
    """Logs, each epoch, the training rows a second over all devices; validation and checkpoints do not count.

    Where rows have lengths, also the share of the inputs that is padding, as the networks receive them; where rows are
    windows of token ids, also the tokens a second. Besides, the share of the time in which training waits for data, on
    the rank that waits most, with one warning a run where it is large; and, where the peak is known, the share of it
    that training uses: model FLOPs utilisation (Chowdhery et al., PaLM, 2022, https://arxiv.org/abs/2204.02311), which
    knows of no operations but those of matrix products, convolutions and attention.

    Args:
        peak_flops: floating-point operations that one device can do a second; None takes those of known GPUs.
    """

    def __init__(self, peak_flops: float | None = None) -> None:
        if peak_flops is not None and peak_flops <= 0:
            raise ValueError(f"peak_flops is {peak_flops}; it must be above 0")
        self.given_peak, self.peak, self.flops = peak_flops, peak_flops, Flops()
        self.waited_before, self.has_warned = 0.0, False
        self._reset()
        self._resumed: dict[str, Any] | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start(trainer)  # a resumed epoch has no start of its own
        self.peak = self.given_peak or peak_flops(trainer)
        if self._resumed:
            self._go_on(trainer, pl_module, self._resumed)
        self._resumed = None

    def _go_on(self, trainer: Trainer, pl_module: LightningModule, earlier: dict[str, Any]) -> None:
        """With the counts of earlier lives of this epoch, whose time and rows count, too."""
        self.rows, self.tokens, self.elements = (
            earlier[name] // trainer.world_size for name in ("rows", "tokens", "elements")
        )
        self.begin -= earlier["seconds"]
        self.waited_before -= earlier["waited"]
        if trainer.is_global_zero:  # of all ranks
            self.places = earlier["places"]
            self.valid = torch.tensor(earlier["valid"], device=pl_module.device)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start(trainer)

    def _start(self, trainer: Trainer) -> None:
        self._reset()
        self.waited_before = _seconds_waited(trainer)

    def _reset(self) -> None:
        self.begin = self.end = time.perf_counter()
        self.rows = self.tokens = self.places = self.elements = 0
        self.valid: Tensor | None = None

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        valid, places = self._padded(trainer, pl_module)
        checkpoint["throughput"] = {
            **{name: getattr(self, name) * trainer.world_size for name in ("rows", "tokens", "elements")},
            "valid": valid,
            "places": places,
            "seconds": self.end - self.begin,
            "waited": _seconds_waited(trainer) - self.waited_before,
        }
        checkpoint["flops"] = self.flops.each

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self._resumed = checkpoint.get("throughput")
        self.flops.each = checkpoint.get("flops")  # to count anew would run a compiled network uncompiled once more

    def _padded(self, trainer: Trainer, pl_module: LightningModule) -> tuple[int, int]:
        """Places of this epoch's inputs over all ranks: those that rows fill, and all."""
        valid = torch.tensor(0, device=pl_module.device) if self.valid is None else self.valid
        counts = trainer.strategy.reduce(torch.stack([valid, torch.full_like(valid, self.places)]), reduce_op="sum")
        valid, places = counts.tolist()
        return valid, places

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self.peak:
            self.flops.start()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.flops.stop()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.flops.stop(batch)
        self.rows += len(batch.inputs)
        self.elements += batch.inputs.numel()
        if batch.lengths is not None:
            self.places += len(batch.inputs) * batch.inputs.shape[-1]
            # Summed where it lies: nothing waits for the device.
            self.valid = batch.lengths.sum() if self.valid is None else self.valid + batch.lengths.sum()
        elif not batch.inputs.is_floating_point():
            self.tokens += batch.inputs.numel()
        self.end = time.perf_counter()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        pause = time.perf_counter() - self.end
        self.begin, self.end = self.begin + pause, self.end + pause

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.rows:
            seconds = self.end - self.begin
            times = trainer.world_size / seconds
            pl_module.log("train/samples_per_second", self.rows * times, rank_zero_only=True)
            if self.tokens:
                pl_module.log("train/tokens_per_second", self.tokens * times, rank_zero_only=True)
            if self.peak and self.flops.each:
                used = self.flops.each * self.elements / seconds / self.peak
                pl_module.log("train/flops_utilization", used, rank_zero_only=True)
            self._log_waiting(trainer, pl_module, seconds)
        valid, places = self._padded(trainer, pl_module)
        if places:
            pl_module.log("train/padding", 1 - valid / places, rank_zero_only=True)

    def _log_waiting(self, trainer: Trainer, pl_module: LightningModule, seconds: float) -> None:
        if not hasattr(_profiler(trainer), "seconds_waited"):  # another, which tells by itself how long batches took
            return
        waited = _seconds_waited(trainer) - self.waited_before
        own = torch.tensor([waited / seconds, waited], device=pl_module.device)
        share, waited = trainer.strategy.reduce(own, reduce_op="max").tolist()
        pl_module.log("train/data_wait", share, rank_zero_only=True)
        if share > MUCH_WAITING and waited > LONG_WAITING and not self.has_warned:
            self.has_warned = True
            data: Any = trainer.datamodule  # pyrefly: ignore[missing-attribute]
            log.warning("training waits for data in %.0f %% of its time: try %s", 100 * share, data.loading_advice())


def _seconds_waited(trainer: Trainer) -> float:
    return getattr(_profiler(trainer), "seconds_waited", 0.0)


def _profiler(trainer: Trainer) -> Any:
    return trainer.profiler  # pyrefly: ignore[missing-attribute]
