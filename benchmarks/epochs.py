import time
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer

SECONDS: list[float] = []  # of this process: of each epoch


class Epochs(Callback):
    """Notes the seconds of each epoch's steps, from and to moments at which the device has nothing to do."""

    def on_train_epoch_start(self, *_: Any) -> None:
        self.begin = now()

    def on_train_batch_end(self, trainer: Trainer, model: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if batch_idx + 1 == trainer.num_training_batches:
            SECONDS.append(now() - self.begin)


def now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()
