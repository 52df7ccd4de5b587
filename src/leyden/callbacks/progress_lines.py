import logging
import time
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only

from .lightning_internals import logged_values

log = logging.getLogger(__name__)


class ProgressLines(Callback):
    """Log one line of metrics per epoch, and warn about validation metrics that are not finite.

    Lightning keeps the last value of each metric; a line only contains those logged in this epoch.
    """

    def __init__(self) -> None:
        self.before: dict[str, Any] | None = None  # values logged in earlier epochs
        self.warned: set[str] = set()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.begin, self.before = time.perf_counter(), None  # `on_train_epoch_start` is not called for a resumed epoch

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.begin, self.before = time.perf_counter(), dict(logged_values(trainer))

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self.before is None:
            self.before = dict(logged_values(trainer))

    @rank_zero_only
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for name, value in logged_values(trainer).items():
            if name.startswith("val/") and name not in self.warned and not value.isfinite():
                self.warned.add(name)
                log.warning("%s is %s: it is undefined on this split, or an output is not finite", name, value.item())

    @rank_zero_only
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        before = self.before or {}
        new = {name: value for name, value in trainer.callback_metrics.items() if before.get(name) is not value}
        metrics = "  ".join(f"{name} {value:.4f}" for name, value in sorted(new.items()))
        seconds = time.perf_counter() - self.begin
        last = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else "-"
        log.info("epoch %d/%s  %s  %.1f s", trainer.current_epoch + 1, last, metrics, seconds)
