from collections.abc import Callable
from math import ceil, isfinite
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
    end_restart,
    finish_batch,
    is_accumulating,
    keep_epoch_sums,
    logged_values,
)

Moment = Literal["batch", "validation", "end"]


class SavesAtPoints:
    """Base class of callbacks that request checkpoints at resume points."""

    saves_end = False  # whether the end of training is to be saved

    def is_due(self, trainer: Trainer, moment: Moment) -> bool:
        """Whether to save now; called on all ranks, which must return the same value."""
        raise NotImplementedError

    def on_saved(self, trainer: Trainer) -> None:
        """Called after a checkpoint was saved, requested by any callback."""


class ResumePoint(Callback):
    """Save the checkpoint that a run resumes from, at points where no step or validation is in progress.

    Resume points are: before a training `batch`, once the previous one has been logged and validated; before a
    `validation`; and the `end` of training. There is none between the batches of an optimizer step, since gradients
    are not saved (except with manual optimization, where only the task knows how long it keeps them). At each point,
    the `SavesAtPoints` callbacks decide whether to save.

    Training resumes exactly at this point. Lightning would infer the position from its counters, and repeat or skip a
    validation; the position in the checkpoint is used instead.

    It has to be the first callback, since what other callbacks do in the same hook follows the resume point.

    Args:
        path: Path of the checkpoint.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self.moment: Moment | None = None  # set while saving
        self.has_saved_validation = False  # whether the running validation started at a saved point

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        completed = trainer.fit_loop.epoch_loop.batch_progress.current.completed
        if completed % trainer.accumulate_grad_batches == 0:
            self._offer(trainer, "batch")

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        is_within_training = trainer.state.fn == "fit" and not trainer.sanity_checking
        if is_within_training and not is_accumulating(trainer):
            self.has_saved_validation = self._offer(trainer, "validation")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.has_saved_validation = False

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Before other callbacks change the weights, as averaging does, so that the run can be extended.
        if any(saver.saves_end for saver in _callbacks(trainer, SavesAtPoints)):
            self.save(trainer, "end")

    def save(self, trainer: Trainer, moment: Moment) -> None:
        self.moment = moment
        trainer.save_checkpoint(self.path)
        self.moment = None

    def _offer(self, trainer: Trainer, moment: Moment) -> bool:
        """Save if a callback requests it, and return whether a checkpoint was saved."""
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
                "steps_per_epoch": _steps_per_epoch(trainer),
                "measured": {name: value.detach().cpu() for name, value in measured},
                "decided": [
                    {name: getattr(callback, name) for name in CHECKPOINT_DECISIONS}
                    for callback in _callbacks(trainer, ModelCheckpoint)
                ],
                "epoch": EpochState(trainer).saved(),
            }

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        if trainer.state.fn != "fit":
            return
        if not (point := checkpoint.get("resume_point")):
            raise RunError(
                f"{trainer.ckpt_path} cannot be resumed: expected a resume point, as in last.ckpt of this version"
            )
        for callback, decided in zip(_callbacks(trainer, ModelCheckpoint), point["decided"], strict=True):
            for name, value in decided.items():
                setattr(callback, name, value)
        _Restoration(trainer, point).prepare()


class _Restoration:
    """Restore a starting training to its resume point by replacing three methods of Lightning's loops, once each."""

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
        # Lightning checks the limit of steps next, which is already reached before the last validation.
        self.max_steps = self.epoch.max_steps
        if self.moment == "validation":
            self.epoch.max_steps = -1

    def reset_training(self) -> None:
        torch.set_grad_enabled(True)
        end_restart(self.trainer)
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
        if self.moment == "batch":  # it had already been fetched
            progress.total.ready, progress.current.ready = progress.total.completed, progress.current.completed
            progress.is_last_batch = False
        else:
            finish_batch(trainer)


def is_validation_saved(trainer: Trainer) -> bool:
    """Whether a training that stops in this validation can be resumed at its start."""
    return any(point.has_saved_validation for point in _callbacks(trainer, ResumePoint))


def _steps_per_epoch(trainer: Trainer) -> int | None:
    """Optimizer steps of an epoch; None if unknown."""
    batches = trainer.num_training_batches
    return ceil(batches / trainer.accumulate_grad_batches) if isfinite(batches) else None


def _replace_once(owner: Any, name: str, function: Callable[[], None]) -> None:
    """Replace a method by a function for its next call."""

    def call() -> None:
        delattr(owner, name)
        function()

    setattr(owner, name, call)


def _callbacks(trainer: Trainer, kind: type) -> list[Any]:
    every: Any = trainer.callbacks  # pyrefly: ignore[missing-attribute]
    return [callback for callback in every if isinstance(callback, kind)]
