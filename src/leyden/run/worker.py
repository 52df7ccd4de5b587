"""Brings data, model and trainer of a frozen run directory together: the only module that knows all three."""

import gc
import logging
import os
import re
import sys
from typing import Any

import torch
from filelock import FileLock
from lightning.pytorch import Callback, Trainer, seed_everything

from ..callbacks import (
    BatchLines,
    BestRecord,
    Interruption,
    PredictionPlots,
    ProgressBar,
    ProgressLines,
    ResumePoint,
    Watchdog,
)
from ..config.build import build
from ..config.redaction import for_upload
from ..data import DataModule
from ..data.core.samples import Samples
from ..data.files.archives import checked_archives
from ..loggers.metrics_csv import MetricsCSV, ResumeMetrics
from ..tasks import Task
from .checkpoint import CheckpointFile, explained_mismatch
from .configured_callbacks import best_of, configured_callbacks
from .data_wait_profiler import write_profile
from .directory import BEST, LAST, RunDirectory
from .hardware import keep_freed_memory
from .lifetime import kept_status
from .preprocessing import provided, report, taking
from .rendezvous import require_disk
from .results import add_results
from .shutdown import StopRequest
from .trainer_settings import settings_here

log = logging.getLogger("leyden")


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
        self.is_in_python = stop is None  # not by a command, which keeps the status
        self.stop = stop or StopRequest(self.config["preemption"])
        found = provided(self.config, run.path)
        self.data: DataModule = build(taking(self.config["data"], found), {})
        if trains:
            report(self.data, self.config["data"], found)
            self._prepare_data()
        else:
            self.data.restore(run.path)
        self._model, self.has_weights = self._new_model(), trains
        self.checkpoints: CheckpointFile = build(self.config["checkpoint"], {})
        self.metrics = MetricsCSV(self.run.path)
        self.loggers = self._loggers() if trains else []
        self.trainer = self._trainer()

    @kept_status
    def fit(self) -> dict[str, float]:
        """Trains, from the last checkpoint where there is one; then tests the best one, or the last one where none was
        chosen, as when a limit of steps ended the training before anything was validated.

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
            with explained_mismatch(last):
                self.trainer.fit(self.model, self.data, ckpt_path=last)
        finally:
            self.checkpoints.teardown()  # which not every strategy of Lightning calls
        checkpoint = self.trainer.strategy.broadcast("best" if self.run.best else "last")
        self._renew()
        if checkpoint == "last":
            log.warning("no epoch was chosen as the best: the last checkpoint is measured")
        return self.evaluate(self._measured_split(), checkpoint)

    def evaluate(self, split: str, checkpoint: str) -> dict[str, float]:
        """Metrics of the validation or test split, also kept in results.json; plots are in a folder of the checkpoint.

        Args:
            split: `val` or `test`.
            checkpoint: `best`, `last` or a path.
        """
        run_split = self.trainer.test if split == "test" else self.trainer.validate
        path = self.run.checkpoint(checkpoint)
        file = str(path.relative_to(self.run.path) if path.is_relative_to(self.run.path) else path)
        name = checkpoint if checkpoint in ("best", "last") else file
        callbacks: list[Callback] = self.trainer.callbacks  # pyrefly: ignore[missing-attribute]
        for plots in (one for one in callbacks if isinstance(one, PredictionPlots)):
            plots.folder = re.sub(r"[^\w.=-]+", "_", name)[-100:]
        with explained_mismatch(path):
            (results,) = run_split(self._model, self.data, ckpt_path=path, verbose=False)
        self.has_weights = True
        if self.trainer.is_global_zero and (self.trains or self.run.is_writable):
            self._keep(split, name, file, dict(results))
        return dict(results)

    def _keep(self, split: str, name: str, file: str, results: dict[str, float]) -> None:
        """Writes what was measured, beside the validation metrics of the epoch that is the best."""
        measured, best = {split: results}, self.run.best
        if name == "best" and split == "test":
            if best["step"] == self.record.loaded.get("step"):
                measured["val"] = best["metrics"]
            else:  # the run was killed between a checkpoint and its record
                log.warning("the best checkpoint is of another epoch than %s says: resume the run", BEST)
        add_results(self.run.path, name, measured, {"file": file, **self.record.loaded})

    def predict(self, samples: Samples, checkpoint: str) -> list[Any]:
        """What the model says of each of the samples that the data module has read."""
        self.data.samples["predict"] = samples
        path = self.run.checkpoint(checkpoint)
        with explained_mismatch(path):
            batches: Any = self.trainer.predict(self._model, self.data, ckpt_path=path)
        self.has_weights = True
        return self.data.in_order([prediction for batch in batches for prediction in batch])

    def _measured_split(self) -> str:
        """What is measured after training: the test split, or validation where there is none, which is said."""
        if "test" in self.data.official_splits():
            return "test"
        log.warning("nothing is tested, so these are the metrics of validation: %s", self.data.no_test())
        return "val"

    def finish(self, exit_code: int) -> None:
        for logger in self.loggers:
            if hasattr(logger, "finish"):
                logger.finish(exit_code)

    @property
    def model(self) -> Task:
        """The model; of a run that is not trained here, with the weights of its best checkpoint, or of the last one where
        none was chosen, unless an evaluation has loaded others.

        Raises:
            UserError: the run has no checkpoint.
        """
        return self._model if self.has_weights else self.load("best" if self.run.best else "last")

    def load(self, checkpoint: str) -> Task:
        """The model with the weights of a checkpoint.

        Args:
            checkpoint: `best`, `last` or a path.

        Raises:
            UserError: there is none.
        """
        path = self.run.checkpoint(checkpoint)
        with explained_mismatch(path):
            self._model.load_state_dict(self.checkpoints.load_checkpoint(path)["state_dict"])
        self.has_weights = True
        return self._model

    def _new_model(self) -> Task:
        seed_everything(self.config["seed"], verbose=False)
        return build(self.config["model"], self.data.provided())

    def _renew(self) -> None:
        """Model and trainer as they were before the training, but for its progress, which rows of metrics name."""
        progress = self.trainer.fit_loop.state_dict()
        del self._model, self.trainer
        self.data.trainer = None
        gc.collect()  # the optimizer's states and the gradients, which the test need not share the memory with
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if self.config["model"].get("compile"):
            torch.compiler.reset()  # what was compiled for the other one
        self._model = self._new_model()
        self.trainer = self._trainer()
        self.trainer.fit_loop.load_state_dict(progress)

    def _prepare_data(self) -> None:
        """The first process of a run downloads the data and learns of it, such as a vocabulary; all others take that."""
        with FileLock(self.run.path / ".prepare.lock"), checked_archives():
            self.data.prepare_data()
            if is_first := not self.data.is_saved(self.run.path):
                self.data.setup("fit")
                self.data.save(self.run.path)
        if not is_first:
            self.data.restore(self.run.path)
            self.data.setup("fit")

    def _trainer(self) -> Trainer:
        named = configured_callbacks(self.config["callbacks"], self.run.path, self._model.monitor, self._model.mode)
        self.record = BestRecord(best_of(named))
        callbacks = [*named.values(), ResumeMetrics(self.metrics), ProgressLines(), self.record]
        if self.trains:
            point = ResumePoint(self.run.path / "checkpoints" / LAST)
            callbacks = [point, *callbacks, Interruption(self.stop)]
        else:  # nobody waits for it, and a run that is only read keeps no figures
            kinds = (Watchdog,) if self.run.is_writable else (Watchdog, PredictionPlots)
            callbacks = [one for one in callbacks if not isinstance(one, kinds)]
        for watchdog in (one for one in callbacks if isinstance(one, Watchdog)):
            watchdog.on_hang = lambda message: self.run.set_state("failed", error=message, exit_code=1)
        draws = sys.stdout.isatty()
        callbacks.append(ProgressBar() if draws else BatchLines())
        settings, unset, environment = settings_here(self.config["trainer"], self.trains)
        built: Trainer = build(
            settings,
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
            logger.log_hyperparams(for_upload(self.run.frozen_config))
        return loggers
