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
    """Appends every logged row to `metrics.csv` at once; a new metric adds a column. A resumed run goes on below.

    Args:
        folder: the run directory.
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
        """The run directory's config.yaml holds them."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.file.append({"step": step, **metrics})


class ResumeMetrics(Callback):
    """Keeps in each checkpoint how far the metrics had come, and cuts the file there when a run resumes.

    A run without a checkpoint starts the file anew. Loggers that are copies of the file are told what is in it.
    """

    def __init__(self, logger: MetricsCSV) -> None:
        self.logger = logger

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        if trainer.is_global_zero:
            self.logger.file.flush_to_disk()  # a checkpoint survives a power cut: so must the rows before it
        checkpoint["metrics"] = {"num_rows": self.logger.file.num_rows}

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        if trainer.state.fn == "fit":
            self._start(trainer, **checkpoint["metrics"])

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.ckpt_path:  # also a run that was killed before its first checkpoint
            self._start(trainer, num_rows=0)

    @rank_zero_only
    def _start(self, trainer: Trainer, num_rows: int) -> None:
        self.logger.file.truncate(num_rows)
        if (kept := self.logger.file.num_rows) < num_rows:
            log.warning("%s has lost rows: %d of %d are there", self.logger.file.path, kept, num_rows)
        for logger in trainer.loggers:
            if catch_up := getattr(logger, "catch_up", None):
                catch_up(self.logger.file.rows())
