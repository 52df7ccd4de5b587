import time
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class Throughput(Callback):
    """Logs the training rows a second over all devices, each epoch, and the tokens where rows are windows of token ids.

    Validation and checkpoints do not count.
    """

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._reset()  # a resumed epoch has no start of its own

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._reset()

    def _reset(self) -> None:
        self.begin = self.end = time.perf_counter()
        self.rows = self.tokens = 0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.rows += len(batch.inputs)
        if batch.lengths is None and not batch.inputs.is_floating_point():
            self.tokens += batch.inputs.numel()
        self.end = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.rows:
            times = trainer.world_size / (self.end - self.begin)
            pl_module.log("train/samples_per_second", self.rows * times, rank_zero_only=True)
            if self.tokens:
                pl_module.log("train/tokens_per_second", self.tokens * times, rank_zero_only=True)
