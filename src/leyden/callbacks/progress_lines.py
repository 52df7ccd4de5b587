import logging
import time

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only

log = logging.getLogger(__name__)


class ProgressLines(Callback):
    """One line of metrics an epoch, for log.txt and for a terminal that cannot draw a bar."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.begin = time.perf_counter()  # a resumed epoch has no start of its own

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.begin = time.perf_counter()

    @rank_zero_only
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        metrics = "  ".join(f"{name} {value:.4f}" for name, value in sorted(trainer.callback_metrics.items()))
        seconds = time.perf_counter() - self.begin
        last = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else "-"
        log.info("epoch %d/%s  %s  %.1f s", trainer.current_epoch + 1, last, metrics, seconds)
