"""Tiny runs of an embedded experiment, whole, and stopped within an epoch and resumed."""

import csv
from pathlib import Path

import torch
from lightning.pytorch import Callback

from leyden.config.compose import compose
from leyden.config.embedded import embedded_experiments
from leyden.errors import Stop, Stopped
from leyden.run.directory import RunDirectory
from leyden.run.worker import Worker

ROOT = Path.cwd()
EMBEDDED = embedded_experiments(ROOT)
EXPERIMENT = "vision/digits" if "vision/digits" in EMBEDDED else EMBEDDED[0]  # the quickest to be had
SHORT = {
    "trainer": "cpu",
    "callbacks.plots": "null",
    "data.batch_size": 8,
    "trainer.max_epochs": 3,
    "trainer.limit_train_batches": 3,
    "trainer.limit_val_batches": 2,
    "trainer.limit_test_batches": 2,
    "trainer.log_every_n_steps": 1,
}
TIMES = ("_per_second", "/data_wait")


def composed(*settings):
    given = {setting.lstrip("+").partition("=")[0] for setting in settings}
    short = [f"{name}={value}" for name, value in SHORT.items() if name not in given]
    return compose([f"experiment={EXPERIMENT}", *short, *settings], ROOT)


def create(folder, *settings):
    return RunDirectory.create(composed(*settings).config | {"runs": str(folder)}, ROOT, ["tests"])


class StopAt(Callback):
    """Has a run stop after a batch of training, as Ctrl-C has."""

    def __init__(self, stop, epoch, batch):
        self.stop, self.place = stop, (epoch, batch)

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == self.place:
            self.stop.requested = Stop.INTERRUPTED


def stop_and_resume(run, epoch=1, batch=0):
    """The test metrics of a run that was stopped and resumed."""
    worker = Worker(run, trains=True)
    worker.trainer.callbacks.insert(0, StopAt(worker.stop, epoch, batch))
    try:
        worker.fit()
    except Stopped:
        return Worker(run, trains=True).fit()
    raise AssertionError(f"the training never came to epoch {epoch}, batch {batch}")


def evaluated_again(run):
    """What the command `test` finds of a finished run."""
    has_best = (run.path / "checkpoints" / "best.ckpt").exists()
    return Worker(run, trains=False).evaluate("test", "best" if has_best else "last")


def rows(run, *others):
    """Of metrics.csv, without times and other columns that tell of them."""
    with (run.path / "metrics.csv").open(newline="") as file:
        return [
            {name: row[name] for name in row if not any(word in name for word in (*TIMES, *others))}
            for row in csv.DictReader(file)
        ]


def same_weights(first, second, name="last"):
    one, other = (torch.load(run.checkpoint(name), weights_only=True)["state_dict"] for run in (first, second))
    return one.keys() == other.keys() and all(value.equal(other[key]) for key, value in one.items())
