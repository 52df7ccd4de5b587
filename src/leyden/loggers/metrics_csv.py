import logging
from argparse import Namespace
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
from lightning.pytorch.utilities import rank_zero_only

from .metrics_file import MetricsFile

log = logging.getLogger(__name__)


class MetricsCSV(Logger):
    """Append each logged row to `metrics.csv` immediately; a new metric adds a column. A resumed run appends to it.

    Args:
        folder: The run directory.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.file = folder, MetricsFile(folder / "metrics.csv")

    @property
    def name(self) -> str:
        return ""

    @property
    def version(self) -> str:
        return ""

    @property
    def save_dir(self) -> str:
        return str(self.folder)

    @property
    @rank_zero_experiment
    def experiment(self) -> Path:
        return self.file.path

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Do nothing: config.yaml in the run directory contains the hyperparameters."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.file.append({"step": step, **metrics})


class ResumeMetrics(Callback):
    """Save the number of metrics rows in each checkpoint, and truncate the file to it when a run resumes.

    A run without a checkpoint starts with an empty file. Loggers with `catch_up` receive the remaining rows.
    """

    def __init__(self, logger: MetricsCSV) -> None:
        self.logger = logger

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        if trainer.is_global_zero:
            self.logger.file.flush_to_disk()  # like the checkpoint, the rows must survive a power failure
        checkpoint["metrics"] = {"num_rows": self.logger.file.num_rows}

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        if trainer.state.fn == "fit":
            self._start(trainer, **checkpoint["metrics"])

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.ckpt_path:  # also for a run that was killed before its first checkpoint
            self._start(trainer, num_rows=0)

    @rank_zero_only
    def _start(self, trainer: Trainer, num_rows: int) -> None:
        self.logger.file.truncate(num_rows)
        if (kept := self.logger.file.num_rows) < num_rows:
            log.warning("%s has lost rows: expected %d rows, got %d", self.logger.file.path, num_rows, kept)
        for logger in trainer.loggers:
            if catch_up := getattr(logger, "catch_up", None):
                catch_up(self.logger.file.rows())
