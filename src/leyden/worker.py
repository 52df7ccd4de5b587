"""Brings data, model and trainer of a frozen run directory together: the only module that knows all three."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from lightning.fabric.plugins.environments import LightningEnvironment
from lightning.pytorch import Trainer, seed_everything

from .build import build
from .callbacks import BatchLines, Interruption, ProgressBar, ProgressLines, Watchdog
from .checkpoint_file import CheckpointFile
from .cluster_environment import cluster_environment
from .configured_callbacks import configured_callbacks
from .data import DataError, DataModule
from .data.rows import Rows
from .loggers.metrics_csv import MetricsCSV, ResumeMetrics
from .machine import data_parallel, for_this_gpu, keep_freed_memory
from .models import Task
from .preflight import require_disk
from .rundir import RunDirectory
from .stop_request import StopRequest
from .unprofiled import Unprofiled, write_profile


class Worker:
    """Data, model and trainer of a run.

    Args:
        run: the run directory.
        trains: whether what the data has to tell, such as its classes, is to be learnt from it and the loggers are to
            be used; else both are left as the training left them.
        stop: whether the training is to stop.
    """

    def __init__(self, run: RunDirectory, trains: bool, stop: StopRequest | None = None) -> None:
        self.run, self.config, self.trains = run, run.config, trains
        self.stop = stop or StopRequest(self.config["preemption"])
        self.data: DataModule = build(self.config["data"], {})
        if trains:
            self._prepare_data()
        else:
            self.data.restore(run.path)
        self.model = self._model()
        self.checkpoints: CheckpointFile = build(self.config["checkpoint"], {})
        self.metrics = MetricsCSV(self.run.path)
        self.loggers = self._loggers() if trains else []
        self.trainer = self._trainer()

    def fit(self) -> dict[str, float]:
        """Trains, from the last checkpoint where there is one; then tests the best one, or the last one where a limit
        of steps ended the training before anything was validated.

        The test has a model and a trainer of its own, as `evaluate` has in a process of its own: what callbacks did to
        the others, such as averaging weights or pruning them, is in the checkpoint or does not count.

        Returns:
            The test metrics.
        """
        weights = sum(tensor.nbytes for tensor in (*self.model.parameters(), *self.model.buffers()))
        require_disk(self.run.path, weights)
        last = self.run.checkpoint("last") if self.run.has_checkpoint else None
        if not torch.cuda.is_available():  # Lightning has torch look for NVML, on disk, at each step of an optimizer
            os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"
        if self.trainer.strategy.root_device.type == "cpu":
            keep_freed_memory()
        try:
            with _foreign_checkpoints(last):
                self.trainer.fit(self.model, self.data, ckpt_path=last)
        finally:
            self.checkpoints.teardown()  # which not every strategy of Lightning calls
        self._renew()
        is_validated = (self.run.path / "checkpoints" / "best.ckpt").exists()
        return self.evaluate("test", "best" if is_validated else "last")

    def evaluate(self, split: str, checkpoint: str) -> dict[str, float]:
        """Metrics of the validation or test split, also kept in results.json."""
        run_split = self.trainer.test if split == "test" else self.trainer.validate
        path = self.run.checkpoint(checkpoint)
        with _foreign_checkpoints(path):
            (results,) = run_split(self.model, self.data, ckpt_path=path, verbose=False)
        self.run.add_results(dict(results))
        return dict(results)

    def predict(self, rows: Rows, checkpoint: str) -> list[Any]:
        """What the model says of each of the rows that the data module has read."""
        self.data.rows["predict"] = rows
        path = self.run.checkpoint(checkpoint)
        with _foreign_checkpoints(path):
            batches: Any = self.trainer.predict(self.model, self.data, ckpt_path=path)
        return self.data.in_order([prediction for batch in batches for prediction in batch])

    def finish(self, exit_code: int) -> None:
        for logger in self.loggers:
            if hasattr(logger, "finish"):
                logger.finish(exit_code)

    def _model(self) -> Task:
        seed_everything(self.config["seed"], verbose=False)
        return build(self.config["model"], self.data.published())

    def _renew(self) -> None:
        """Model and trainer as they were before the training, but for its progress, which rows of metrics name."""
        progress = self.trainer.fit_loop.state_dict()
        del self.model, self.trainer
        self.data.trainer = None
        gc.collect()  # the optimizer's states and the gradients, which the test need not share the memory with
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if self.config["model"].get("compile"):
            torch.compiler.reset()  # what was compiled for the other one
        self.model = self._model()
        self.trainer = self._trainer()
        self.trainer.fit_loop.load_state_dict(progress)

    def _prepare_data(self) -> None:
        """The first process of a run downloads the data and learns of it, such as a vocabulary; all others take that."""
        with FileLock(self.run.path / ".prepare.lock"):
            self.data.prepare_data()
            if is_first := not self.data.is_saved(self.run.path):
                self.data.setup("fit")
                self.data.save(self.run.path)
        if not is_first:
            self.data.restore(self.run.path)
            self.data.setup("fit")

    def _trainer(self) -> Trainer:
        callbacks = configured_callbacks(self.config["callbacks"], self.model.monitor, self.model.mode)
        callbacks += [
            ResumeMetrics(self.metrics),
            ProgressLines(),
        ]
        if self.trains:
            callbacks.append(Interruption(str(self.run.path / "checkpoints" / "last.ckpt"), self.stop))
        for watchdog in (one for one in callbacks if isinstance(one, Watchdog)):
            watchdog.on_hang = lambda message: self.run.set_state("failed", error=message, exit_code=1)
        draws = sys.stdout.isatty()
        callbacks.append(ProgressBar() if draws else BatchLines())
        trainer, environment = self.config["trainer"], cluster_environment()
        if not self.trains:  # by this process alone, whatever the number of those that trained
            trainer, environment = trainer | {"devices": 1, "num_nodes": 1, "strategy": "auto"}, LightningEnvironment()
        unset: dict[str, Any] = {} if trainer.get("profiler") else {"profiler": Unprofiled()}
        if environment.world_size() > 1 and trainer.get("strategy", "auto") == "auto":
            unset["strategy"] = data_parallel()
        built: Trainer = build(
            for_this_gpu(trainer),
            {},
            callbacks=callbacks,
            logger=[self.metrics, *self.loggers] if self.trains else False,
            default_root_dir=self.run.path,
            enable_progress_bar=draws,
            enable_model_summary=False,
            plugins=[self.checkpoints, environment],
            use_distributed_sampler=False,  # the data module divides the batches itself
            **unset,
        )
        write_profile(built, self.run.path)
        return built

    def _loggers(self) -> list[Any]:
        identity = self.run.status["id"]
        provided = {"save_dir": str(self.run.path), "id": identity, "name": f"{self.config['name']}/{identity}"}
        loggers = [build(one, provided) for one in self.config["logger"].values() if one]
        for logger in loggers:
            logger.log_hyperparams(self.config)
        return loggers


@contextmanager
def _foreign_checkpoints(path: Path | None) -> Iterator[None]:
    """Says in a sentence that a checkpoint does not fit the model."""
    try:
        yield
    except RuntimeError as error:
        if "loading state_dict" not in str(error):
            raise
        difference = str(error).split("\n")[1].strip()
        raise DataError(f"{path} does not fit this run's model: is it of another experiment? {difference}") from error
