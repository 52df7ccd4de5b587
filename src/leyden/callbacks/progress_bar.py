import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar

DRAWINGS = 2  # a second: each takes two milliseconds, and 100 are Lightning's default


class ProgressBar(RichProgressBar):
    """Lightning's bar, which hears of as many batches of training as it draws: to put all metrics together after each
    costs as much as the steps of a small network."""

    def __init__(self) -> None:
        super().__init__(refresh_rate=DRAWINGS)
        self.due = 0.0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        is_last = trainer.is_last_batch or trainer.global_step == trainer.max_steps
        if is_last or time.monotonic() >= self.due:
            self.due = time.monotonic() + 1 / DRAWINGS
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
