import logging
import time
from collections.abc import Sequence
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

log = logging.getLogger(__name__)


class BatchLines(Callback):
    """Log the progress of long epochs, validations and tests at intervals, in place of a progress bar.

    Args:
        seconds: Interval between lines.
    """

    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds

    def _start(self, *_: Any, **__: Any) -> None:
        self.due = time.monotonic() + self.seconds

    # `on_train_epoch_start` is not called for a resumed epoch.
    on_train_start = on_train_epoch_start = on_test_start = on_predict_start = _start
    on_validation_start = on_validation_end = _start

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if time.monotonic() >= self.due:
            last = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else "-"
            loss = ""
            if isinstance(outputs, dict) and "loss" in outputs:  # synchronizes with the device, once per line
                loss = f"  loss {float(outputs['loss']) * trainer.accumulate_grad_batches:.4f}"
            self._log(f"epoch {trainer.current_epoch + 1}/{last}", batch_idx, trainer.num_training_batches, loss)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int, *_: Any, **__: Any
    ) -> None:
        self._log_evaluation("validation", batch_idx, trainer.num_val_batches)

    def on_test_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int, *_: Any, **__: Any
    ) -> None:
        self._log_evaluation("test", batch_idx, trainer.num_test_batches)

    def on_predict_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int, *_: Any, **__: Any
    ) -> None:
        self._log_evaluation("prediction", batch_idx, trainer.num_predict_batches)

    def _log_evaluation(self, stage: str, batch_idx: int, num_batches: Sequence[float]) -> None:
        if time.monotonic() >= self.due:
            self._log(stage, batch_idx, sum(num_batches))

    def _log(self, stage: str, batch_idx: int, num_batches: float, loss: str = "") -> None:
        percent = 100 * (batch_idx + 1) / num_batches
        log.info("%s  %.0f %%  batch %d/%d%s", stage, percent, batch_idx + 1, num_batches, loss)
        self._start()
