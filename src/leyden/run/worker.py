"""Connect data, model and trainer of a run directory; only this module imports all three."""

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
    TaskContract,
    Watchdog,
)
from ..config.build import build
from ..config.redaction import for_upload
from ..data import DataModule
from ..data.core.samples import Samples, fingerprint
from ..data.files.archives import checked_archives
from ..loggers.metrics_csv import MetricsCSV, ResumeMetrics
from ..tasks import Task
from .checkpoint import CheckpointFile, explain_mismatch
from .configured_callbacks import best_of, configured_callbacks
from .data_wait_profiler import write_profile
from .directory import LAST, RunDirectory
from .hardware import keep_freed_memory
from .initial_weights import initialize
from .lifetime import records_status
from .preprocessing import provided, report, taking
from .pruning import pruning
from .rendezvous import require_disk
from .results import add_evaluation
from .shutdown import StopRequest
from .trainer_settings import adapt_settings

log = logging.getLogger("leyden")


class Worker:
    """The data, model and trainer of a run.

    Args:
        run: The run directory.
        trains: Whether to infer data properties, such as classes, from the data and to use loggers; otherwise the data
            properties stored by training are used.
        stop: Requests to stop the training.
    """

    def __init__(self, run: RunDirectory, trains: bool, stop: StopRequest | None = None) -> None:
        self.run, self.config, self.trains = run, run.config, trains
        self.is_in_python = stop is None  # a command writes the status itself
        self.stop = stop or StopRequest(self.config["preemption"])
        preprocessing = provided(self.config, run.path)
        self.data: DataModule = build(taking(self.config["data"], preprocessing), {})
        if trains:
            report(self.data, self.config["data"], preprocessing)
            self._prepare_data()
        else:
            self.data.restore(run.path)
        self._model, self.has_weights = self._new_model(), trains
        self.checkpoints: CheckpointFile = build(self.config["checkpoint"], {})
        self.metrics = MetricsCSV(self.run.path)
        self.loggers = self._loggers() if trains else []
        self.trainer = self._trainer()

    @records_status
    def fit(self) -> dict[str, float]:
        """Train, resuming from the last checkpoint if there is one, and test the best one; not a trial of a search.

        If training ended before the first validation, the last checkpoint is tested. The test uses a new model and
        trainer, like `leyden test`: changes by callbacks, such as averaged weights, only count if they are in the
        checkpoint.

        Returns:
            The test metrics.
        """
        require_disk(self.run.path, sum(tensor.nbytes for tensor in self.model.state_dict().values()))
        last = self.run.checkpoint("last") if self.run.has_checkpoint else None
        initialize(self.model, self.run, self.data.class_names)
        if not torch.cuda.is_available():  # otherwise each optimizer step searches for NVML on disk
            os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"
        if self.trainer.strategy.root_device.type == "cpu":
            keep_freed_memory()
        try:
            with explain_mismatch(last):
                self.trainer.fit(self.model, self.data, ckpt_path=last)
        finally:
            self.checkpoints.teardown()  # not all strategies of Lightning call it
        if not self.run.status.get("tests", True):
            if (best := self.run.best) and self.trainer.is_global_zero:
                self.record.loaded = {"epoch": best["epoch"], "step": best["step"]}
                self._write_results("val", "best", best["file"], best["metrics"])
            return {name: value for name, value in best.get("metrics", {}).items() if value is not None}
        checkpoint = self.trainer.strategy.broadcast("best" if self.run.best else "last")
        self._renew()
        if checkpoint == "last":
            log.warning("there is no best checkpoint: evaluating the last one")
        return self.evaluate(self._evaluation_split(), checkpoint)

    def evaluate(self, split: str, checkpoint: str) -> dict[str, float]:
        """Evaluate a checkpoint; metrics are added to results.json, plots are saved in a folder for the checkpoint.

        Args:
            split: `val` or `test`.
            checkpoint: `best`, `last` or a path.

        Returns:
            The metrics of the split.
        """
        run_split = self.trainer.test if split == "test" else self.trainer.validate
        path = self.run.checkpoint(checkpoint)
        file = str(path.relative_to(self.run.path) if path.is_relative_to(self.run.path) else path)
        name = checkpoint if checkpoint in ("best", "last") else file
        callbacks: list[Callback] = self.trainer.callbacks  # pyrefly: ignore[missing-attribute]
        for plots in (callback for callback in callbacks if isinstance(callback, PredictionPlots)):
            plots.folder = re.sub(r"[^\w.=-]+", "_", name)[-100:]
        with explain_mismatch(path):
            (results,) = run_split(self._model, self.data, ckpt_path=path, verbose=False)
        self.has_weights = True
        if self.trainer.is_global_zero and (self.trains or self.run.is_writable):
            self._write_results(split, name, file, dict(results))
        return dict(results)

    def _write_results(self, split: str, name: str, file: str, results: dict[str, float]) -> None:
        loaded = {"test": self.data.samples.get("test"), "val": self.data.samples.get("validation")}
        evaluated = {split: fingerprint(samples) for split, samples in loaded.items() if samples is not None}
        origin = {"file": file, **self.record.loaded}
        add_evaluation(self.run.path, split, name, results, origin, self.run.best, evaluated)

    def predict(self, samples: Samples, checkpoint: str) -> list[Any]:
        """Return the predictions for samples that the data module has read."""
        self.data.samples["predict"] = samples
        path = self.run.checkpoint(checkpoint)
        with explain_mismatch(path):
            batches: Any = self.trainer.predict(self._model, self.data, ckpt_path=path)
        self.has_weights = True
        return self.data.in_order([prediction for batch in batches for prediction in batch])

    def _evaluation_split(self) -> str:
        """Return the split that is evaluated after training: test, or validation with a warning."""
        if self.data.has_test:
            return "test"
        log.warning("there is no test split, evaluating on validation: %s", self.data.no_test())
        return "val"

    def finish(self, exit_code: int) -> None:
        for logger in self.loggers:
            if hasattr(logger, "finish"):
                logger.finish(exit_code)

    @property
    def model(self) -> Task:
        """The model; if the run is not trained here, with the weights of the best checkpoint, or else the last one, unless
        an evaluation has loaded others.

        Raises:
            UserError: The run has no checkpoint.
        """
        return self._model if self.has_weights else self.load("best" if self.run.best else "last")

    def load(self, checkpoint: str) -> Task:
        """Load the weights of a checkpoint into the model and return it.

        Args:
            checkpoint: `best`, `last` or a path.

        Raises:
            UserError: The checkpoint does not exist.
            RunError: The checkpoint is damaged or does not match the model.
        """
        path = self.run.checkpoint(checkpoint)
        with explain_mismatch(path):
            self._model.load_state_dict(self.checkpoints.load_checkpoint(path)["state_dict"])
        self.has_weights = True
        return self._model

    def _new_model(self) -> Task:
        seed_everything(self.config["seed"], verbose=False)
        return build(self.config["model"], self.data.provided())

    def _renew(self) -> None:
        """Replace model and trainer by new ones; keep the progress, since rows of metrics contain epoch and step."""
        progress = self.trainer.fit_loop.state_dict()
        del self._model, self.trainer
        self.data.trainer = None
        gc.collect()  # frees the optimizer's states and the gradients
        torch.cuda.empty_cache()  # does nothing without a GPU
        if self.config["model"].get("compile"):
            torch.compiler.reset()  # discards what was compiled for the old model
        self._model = self._new_model()
        self.trainer = self._trainer()
        self.trainer.fit_loop.load_state_dict(progress)

    def _prepare_data(self) -> None:
        """In the first process of a run, download the data and infer its properties; in others, restore these."""
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
        callbacks = [*named.values(), ResumeMetrics(self.metrics), ProgressLines(), self.record, *pruning(self.run)]
        if self.trains:
            point = ResumePoint(self.run.path / "checkpoints" / LAST)
            callbacks = [point, *callbacks, TaskContract(), Interruption(self.stop)]
        else:  # the watchdog is for training; plots cannot be saved in a read-only run
            unused = (Watchdog,) if self.run.is_writable else (Watchdog, PredictionPlots)
            callbacks = [callback for callback in callbacks if not isinstance(callback, unused)]
        for watchdog in (callback for callback in callbacks if isinstance(callback, Watchdog)):
            watchdog.on_hang = lambda message: self.run.set_state("failed", error=message, exit_code=1)
        has_terminal = sys.stdout.isatty()
        settings, unset, environment = adapt_settings(self.config["trainer"], self.trains)
        built: Trainer = build(
            settings,
            {},
            callbacks=[*callbacks, ProgressBar() if has_terminal else BatchLines()],
            logger=[self.metrics, *self.loggers] if self.trains else False,
            default_root_dir=self.run.path,
            enable_progress_bar=has_terminal,
            enable_model_summary=False,
            plugins=[self.checkpoints, environment],
            use_distributed_sampler=False,  # the data module distributes batches itself
            **unset,
        )
        write_profile(built, self.run.path)
        return built

    def _loggers(self) -> list[Any]:
        identity = self.run.status["id"]
        provided = {"save_dir": str(self.run.path), "id": identity, "name": f"{self.config['name']}/{identity}"}
        loggers = [build(config, provided) for config in self.config["logger"].values() if config]
        for logger in loggers:
            logger.log_hyperparams(for_upload(self.run.frozen_config))
        return loggers
