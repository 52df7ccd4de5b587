from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from ..errors import RunError
from .epoch_state import EpochState
from .lightning_internals import (
    CHECKPOINT_DECISIONS,
    begin_mid_epoch,
    finish_batch,
    is_within_step,
    keep_epoch_sums,
    logged_values,
)

Moment = Literal["batch", "validation", "end"]


class SavesAtPoints:
    """A callback that has the training saved at some of its resume points."""

    def is_due(self, trainer: Trainer, moment: Moment) -> bool:
        """Whether to save now; asked on all ranks, which must answer alike."""
        raise NotImplementedError

    def on_saved(self, trainer: Trainer) -> None:
        """The training has been saved, whoever asked for it."""


class ResumePoint(Callback):
    """The only writer of what a run is resumed from, at moments at which nothing is half done.

    These are: before a `batch` of training, when the one before has been logged and validated; before a `validation`;
    and the `end` of the training. Between the batches of one optimizer step there is none: gradients are not saved
    (except with manual optimization, where only the task knows how long it keeps them). The callbacks that save,
    `SavesAtPoints`, are asked at each of them.

    A resumed training begins exactly there. Lightning would infer from its counters where it was, repeat or skip a
    validation, and count it wrong: the checkpoint says it instead, the counters stay as they were, and Lightning's
    inference is skipped.

    It has to be the first callback: what others do at the same moment belongs to what follows.

    Args:
        path: of the checkpoint.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self.moment: Moment | None = None  # while it saves
        self.has_saved_validation = False  # the one that is running

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        completed = trainer.fit_loop.epoch_loop.batch_progress.current.completed
        if completed % trainer.accumulate_grad_batches == 0:
            self._offer(trainer, "batch")

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        is_within_training = trainer.state.fn == "fit" and not trainer.sanity_checking
        if is_within_training and not is_within_step(trainer):
            self.has_saved_validation = self._offer(trainer, "validation")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.has_saved_validation = False

    def save(self, trainer: Trainer, moment: Moment) -> None:
        self.moment = moment
        trainer.save_checkpoint(self.path)
        self.moment = None

    def _offer(self, trainer: Trainer, moment: Moment) -> bool:
        """Returns whether the training was saved."""
        savers = _callbacks(trainer, SavesAtPoints)
        answers = [saver.is_due(trainer, moment) for saver in savers]
        if any(answers):
            self.save(trainer, moment)
            for saver in savers:
                saver.on_saved(trainer)
        return any(answers)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        if self.moment:
            measured = trainer.callback_metrics.items()
            checkpoint["resume_point"] = {
                "moment": self.moment,
                "should_stop": trainer.should_stop,
                "accumulate_grad_batches": trainer.accumulate_grad_batches,
                "measured": {name: value.detach().cpu() for name, value in measured},
                "decided": [
                    {name: getattr(one, name) for name in CHECKPOINT_DECISIONS}
                    for one in _callbacks(trainer, ModelCheckpoint)
                ],
                "epoch": EpochState(trainer).saved(),
            }

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        if trainer.state.fn != "fit":
            return
        if not (point := checkpoint.get("resume_point")):
            raise RunError(
                f"{trainer.ckpt_path} cannot be resumed: it does not say where the training was, as last.ckpt does when "
                "it was saved by this version"
            )
        for callback, decided in zip(_callbacks(trainer, ModelCheckpoint), point["decided"], strict=True):
            for name, value in decided.items():
                setattr(callback, name, value)
        _Return(trainer, point).prepare()


class _Return:
    """The way of a training that begins back to its resume point: stands in for three of Lightning's steps, once each.

    Args:
        trainer: its loops have still to receive their counters.
        point: as it was saved.
    """

    def __init__(self, trainer: Trainer, point: dict[str, Any]) -> None:
        self.trainer, self.point, self.moment = trainer, point, point["moment"]
        self.fit, self.epoch = trainer.fit_loop, trainer.fit_loop.epoch_loop
        self.max_steps = -1

    def prepare(self) -> None:
        _replace_once(self.fit, "setup_data", self.set_up_data)
        _replace_once(self.fit, "reset", self.reset_training)
        if self.moment == "end":
            self.trainer.should_stop = self.point["should_stop"]
        else:
            _replace_once(self.epoch, "reset", self.reset_epoch)

    def set_up_data(self) -> None:
        self.fit.setup_data()
        # Lightning asks next whether the limit of steps has been reached: it has, before the last validation.
        self.max_steps = self.epoch.max_steps
        if self.moment == "validation":
            self.epoch.max_steps = -1

    def reset_training(self) -> None:
        torch.set_grad_enabled(True)
        self.fit.restarting = False  # with all loops in it
        for loop in (self.fit, self.epoch, self.epoch.val_loop):
            loop.reset_restart_stage()
        if self.moment != "end":
            begin_mid_epoch(self.trainer)
        logged_values(self.trainer).update(self.point["measured"])

    def reset_epoch(self) -> None:
        trainer, progress = self.trainer, self.epoch.batch_progress
        self.epoch.max_steps = self.max_steps
        trainer.should_stop = self.point["should_stop"]
        trainer.accumulate_grad_batches = self.point["accumulate_grad_batches"]
        if progress.current.completed:
            keep_epoch_sums(trainer)
        EpochState(trainer).restore(self.point["epoch"])
        if self.moment == "batch":  # which had been fetched
            progress.total.ready, progress.current.ready = progress.total.completed, progress.current.completed
            progress.is_last_batch = False
        else:
            finish_batch(trainer)


def save_end(trainer: Trainer) -> None:
    """Saves that the training is over, where there is a resume point among the callbacks."""
    for point in _callbacks(trainer, ResumePoint):
        point.save(trainer, "end")


def is_validation_saved(trainer: Trainer) -> bool:
    """Whether a training that stops in this validation can be resumed from right before it."""
    return any(point.has_saved_validation for point in _callbacks(trainer, ResumePoint))


def _replace_once(owner: Any, name: str, function: Callable[[], None]) -> None:
    """The next call of a method calls the function in its place."""

    def call() -> None:
        delattr(owner, name)
        function()

    setattr(owner, name, call)


def _callbacks(trainer: Trainer, kind: type) -> list[Any]:
    every: Any = trainer.callbacks  # pyrefly: ignore[missing-attribute]
    return [callback for callback in every if isinstance(callback, kind)]
