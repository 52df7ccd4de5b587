import csv
import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
from lightning.pytorch.utilities import rank_zero_only


class MetricsCSV(Logger):
    """Appends every logged row to `metrics.csv` at once; a new metric adds a column. A resumed run goes on below.

    Args:
        folder: the run directory.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.path = folder, folder / "metrics.csv"
        self.columns, rows = self._read() if self.path.exists() else ([], [])
        self.num_rows, self.newest = len(rows), {}

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
        return self.path

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """The run directory's config.yaml holds them."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        row: dict[str, Any] = {"step": step, **metrics}
        if not row.keys() <= set(self.columns):
            rows = self._read()[1] if self.path.exists() else []
            self.columns = list(dict.fromkeys([*self.columns, *row]))
            self._rewrite(rows)
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, self.columns).writerow(row)
        self.num_rows, self.newest = self.num_rows + 1, row

    @rank_zero_only
    def truncate(self, num_rows: int) -> None:
        """Keeps the first rows alone, since the run is taken up again from there."""
        if self.path.exists():
            self._rewrite(self._read()[1][:num_rows])
            self.num_rows = num_rows

    @rank_zero_only
    def sync(self) -> None:
        """Makes sure that the rows survive a power cut."""
        if self.path.exists():
            with self.path.open("a") as file:
                os.fsync(file.fileno())

    def _read(self) -> tuple[list[str], list[dict[str, str]]]:
        with self.path.open(newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            return list(reader.fieldnames or []), rows

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        temporary = self.path.with_suffix(".tmp")
        with temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(rows)
        temporary.replace(self.path)


class ResumeMetrics(Callback):
    """Keeps in each checkpoint how far the metrics had come, and cuts the file there when a run resumes."""

    def __init__(self, logger: MetricsCSV) -> None:
        self.logger = logger
        self.has_resumed = False

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self.logger.sync()
        next_row = _next_row(trainer)
        checkpoint["metrics"] = {
            "num_rows": self.logger.num_rows,
            "next_row": {} if next_row == self.logger.newest else next_row,
        }

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        if trainer.state.fn == "fit":
            self.has_resumed = True
            self.logger.truncate(checkpoint["metrics"]["num_rows"])
            if row := checkpoint["metrics"]["next_row"]:
                self.logger.log_metrics(row, row.pop("step"))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self.has_resumed:  # a run that was killed before its first checkpoint
            self.logger.truncate(0)


def _next_row(trainer: Trainer) -> dict[str, Any]:
    """The row of this batch of training, if there will be one: Lightning logs it after all hooks of the batch."""
    connector, loop = trainer._logger_connector, trainer.fit_loop.epoch_loop
    is_in_batch = trainer.training and connector._first_loop_iter is not None
    if not is_in_batch or loop._should_accumulate() or not connector.should_update_logs:
        return {}
    metrics = {name: value.item() for name, value in connector.metrics["log"].items()}
    return {"step": loop._batches_that_stepped, **metrics, "epoch": trainer.current_epoch} if metrics else {}
