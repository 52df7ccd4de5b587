import time
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor


class Throughput(Callback):
    """Logs, each epoch, the training rows a second over all devices; validation and checkpoints do not count.

    Where rows have lengths, also the share of the inputs that is padding, as the networks receive them; where rows are
    windows of token ids, also the tokens a second.
    """

    def __init__(self) -> None:
        self._reset()
        self._resumed = {"valid": 0, "places": 0}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._reset()  # a resumed epoch has no start of its own
        if self._resumed["places"] and trainer.is_global_zero:  # of all ranks
            self.places = self._resumed["places"]
            self.valid = torch.tensor(self._resumed["valid"], device=pl_module.device)
        self._resumed = {"valid": 0, "places": 0}

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._reset()

    def _reset(self) -> None:
        self.begin = self.end = time.perf_counter()
        self.rows = self.tokens = self.places = 0
        self.valid: Tensor | None = None

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        valid, places = self._padded(trainer, pl_module)
        checkpoint["padding"] = {"valid": valid, "places": places}

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self._resumed = checkpoint.get("padding", self._resumed)

    def _padded(self, trainer: Trainer, pl_module: LightningModule) -> tuple[int, int]:
        """Places of this epoch's inputs over all ranks: those that rows fill, and all."""
        valid = torch.tensor(0, device=pl_module.device) if self.valid is None else self.valid
        counts = trainer.strategy.reduce(torch.stack([valid, torch.full_like(valid, self.places)]), reduce_op="sum")
        valid, places = counts.tolist()
        return valid, places

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.rows += len(batch.inputs)
        if batch.lengths is not None:
            self.places += len(batch.inputs) * batch.inputs.shape[-1]
            # Summed where it lies: nothing waits for the device.
            self.valid = batch.lengths.sum() if self.valid is None else self.valid + batch.lengths.sum()
        elif not batch.inputs.is_floating_point():
            self.tokens += batch.inputs.numel()
        self.end = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.rows:
            times = trainer.world_size / (self.end - self.begin)
            pl_module.log("train/samples_per_second", self.rows * times, rank_zero_only=True)
            if self.tokens:
                pl_module.log("train/tokens_per_second", self.tokens * times, rank_zero_only=True)
        valid, places = self._padded(trainer, pl_module)
        if places:
            pl_module.log("train/padding", 1 - valid / places, rank_zero_only=True)
