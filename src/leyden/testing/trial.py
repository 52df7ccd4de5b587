"""A short run of an experiment, and a copy of it that is killed after its first step and resumed."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer

from ..callbacks import PredictionPlots
from ..callbacks.resume_point import Moment, SavesAtPoints
from ..config.build import build
from ..data import DataModule
from ..run.directory import RunDirectory
from ..run.worker import Worker
from .contract import seed_all
from .datasets import usable_data
from .differences import difference
from .pretrained import skip_pretrained
from .project import configuration
from .small import small

MAX_COMPARED_SAMPLES = 64


class Trial:
    """Short runs of one experiment.

    Args:
        root: root of the project.
        name: name of the experiment.
        folder: folder for its runs.
    """

    def __init__(self, root: Path, name: str, folder: Path) -> None:
        self.root, self.name, self.folder = root, name, folder
        config = configuration(root, name)
        skip_pretrained(config["model"], name)
        config["data"] = usable_data(root, name, config)
        self.config = small(config, folder)
        self.results: dict[str, float] = {}
        self.error: Exception | None = None
        self.is_drawn = False
        self.warnings: list[str] = []
        self._worker: Worker | None = None

    def train(self) -> Worker:
        """Train once, and keep a copy of the run after the first step.

        Raises:
            Exception: raised by the training.
        """
        if self.error:
            raise self.error
        if not self._worker:
            try:
                self._worker = self._train()
            except Exception as error:
                self.error = error
                raise
        return self._worker

    def _train(self) -> Worker:
        self.run = RunDirectory.create(self.config, self.root, ["pytest"])
        worker, self.kill = Worker(self.run, trains=True), KilledAfterOneStep(self.run.path)
        worker.trainer.callbacks.append(self.kill)  # pyrefly: ignore[missing-attribute]
        with _recorded_warnings() as self.warnings:
            self.results = worker.fit()
        callbacks: Any = worker.trainer.callbacks  # pyrefly: ignore[missing-attribute]
        plots = [callback for callback in callbacks if isinstance(callback, PredictionPlots)]
        self.is_drawn = any(callback.seen for callback in plots)
        return worker

    @property
    def checkpoint(self) -> str:
        """Name of the tested checkpoint."""
        return "best" if self.run.best else "last"

    def resume(self) -> RunDirectory:
        """Train the killed run to its end, without testing it."""
        run = RunDirectory(self.kill.path)
        seed_all(1)  # a new process has other global generators
        worker = Worker(run, trains=True)
        worker.evaluate = lambda *_: {}  # pyrefly: ignore[bad-assignment]
        worker.fit()
        return run

    def train_again(self) -> RunDirectory:
        """Train another run with the same settings, without testing it."""
        run = RunDirectory.create(self.config, self.root, ["pytest"])
        seed_all(2)
        worker = Worker(run, trains=True)
        worker.evaluate = lambda *_: {}  # pyrefly: ignore[bad-assignment]
        worker.fit()
        return run

    def data_difference(self) -> str:
        """Difference between the training samples of two data modules with the same settings; empty if there is none."""
        first, second = self._samples(seed=3), self._samples(seed=4)
        return difference(first, second, where="samples")

    def _samples(self, seed: int) -> list[Any]:
        seed_all(seed)
        data: DataModule = build(self.config["data"], {})
        data.setup("fit")
        samples = data.samples["train"]
        return [samples.__getitems__([index]) for index in range(min(len(samples), MAX_COMPARED_SAMPLES))]


class KilledAfterOneStep(SavesAtPoints, Callback):
    """Copy a run with the checkpoint of its first step, as if it had been killed at that moment.

    Args:
        run: the run directory.
    """

    def __init__(self, run: Path) -> None:
        self.run, self.path = run, run.with_name(f"{run.name}-killed")

    def is_due(self, trainer: Trainer, moment: Moment) -> bool:
        return trainer.global_step > 0 and not self.path.exists()

    def on_saved(self, trainer: Trainer) -> None:
        if self.is_due(trainer, "batch"):
            shutil.copytree(self.run, self.path, symlinks=True)


@contextmanager
def _recorded_warnings() -> Iterator[list[str]]:
    """Record the warnings that the library logs."""
    messages: list[str] = []
    handler, logger = logging.Handler(logging.WARNING), logging.getLogger(__name__.partition(".")[0])
    handler.emit = lambda record: messages.append(record.getMessage())
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)


def weights_difference(first: RunDirectory, second: RunDirectory) -> str:
    """Difference between the last weights of two runs; empty if they are bitwise equal."""
    weights = [torch.load(run.checkpoint("last"), weights_only=True)["state_dict"] for run in (first, second)]
    return difference(*weights)


# Cached, since all tests of an experiment run one after the other and share its trial.
trial = lru_cache(maxsize=1)(Trial)
