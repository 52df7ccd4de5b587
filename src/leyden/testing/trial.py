"""A small run of an experiment, left alone, and another that is killed after its first step and resumed."""

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

NUM_COMPARED = 64  # samples


class Trial:
    """
    Args:
        root: of the project.
        name: of the experiment.
        folder: for its runs.
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
        """Trains, once, and keeps a copy of the run as it is after the first step.

        Raises:
            Exception: whatever the training raised.
        """
        if self.error:
            raise self.error
        if not self._worker:
            try:
                self._worker = self._trained()
            except Exception as error:
                self.error = error
                raise
        return self._worker

    def _trained(self) -> Worker:
        self.run = RunDirectory.create(self.config, self.root, ["pytest"])
        worker, self.kill = Worker(self.run, trains=True), KilledAfterOneStep(self.run.path)
        worker.trainer.callbacks.append(self.kill)  # pyrefly: ignore[missing-attribute]
        with _recorded() as self.warnings:
            self.results = worker.fit()
        callbacks: Any = worker.trainer.callbacks  # pyrefly: ignore[missing-attribute]
        drawn = [callback for callback in callbacks if isinstance(callback, PredictionPlots)]
        self.is_drawn = any(callback.seen for callback in drawn)
        return worker

    @property
    def checkpoint(self) -> str:
        """The one that was tested."""
        return "best" if self.run.best else "last"

    def resume(self) -> RunDirectory:
        """Trains the killed run to its end; it is not tested."""
        run = RunDirectory(self.kill.path)
        seed_all(1)  # a new process knows nothing of the numbers that another one drew
        worker = Worker(run, trains=True)
        worker.evaluate = lambda *_: {}  # pyrefly: ignore[bad-assignment]
        worker.fit()
        return run

    def train_again(self) -> RunDirectory:
        """Another run with the same settings, left alone, and not tested."""
        run = RunDirectory.create(self.config, self.root, ["pytest"])
        seed_all(2)
        worker = Worker(run, trains=True)
        worker.evaluate = lambda *_: {}  # pyrefly: ignore[bad-assignment]
        worker.fit()
        return run

    def data_difference(self) -> str:
        """Where the training samples differ when the dataset is made a second time; nothing where they do not."""
        first, second = self._samples(seed=3), self._samples(seed=4)
        return difference(first, second, where="samples")

    def _samples(self, seed: int) -> list[Any]:
        seed_all(seed)
        data: DataModule = build(self.config["data"], {})
        data.setup("fit")
        samples = data.samples["train"]
        return [samples.__getitems__([index]) for index in range(min(len(samples), NUM_COMPARED))]


class KilledAfterOneStep(SavesAtPoints, Callback):
    """Copies a run, with the checkpoint of its first step, as a kill at that moment would have left it.

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
def _recorded() -> Iterator[list[str]]:
    """The warnings that the library logs."""
    messages: list[str] = []
    handler, logger = logging.Handler(logging.WARNING), logging.getLogger(__name__.partition(".")[0])
    handler.emit = lambda record: messages.append(record.getMessage())
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)


def weights_difference(one: RunDirectory, other: RunDirectory) -> str:
    """Where the last weights of two runs differ; nothing where they are the same bits."""
    weights = [torch.load(run.checkpoint("last"), weights_only=True)["state_dict"] for run in (one, other)]
    return difference(*weights)


# All tests of an experiment, which follow each other, share its trial.
trial = lru_cache(maxsize=1)(Trial)
