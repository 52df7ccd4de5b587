import time

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from .resume_point import Moment, SavesAtPoints, save_end


class LastCheckpoint(SavesAtPoints, Checkpoint):
    """Has the training saved before each validation, at its end, and between as often as is said.

    A run that is killed goes on from there, and ends with the bits of one that was left alone. A checkpoint comes at
    the next moment that allows it, see `ResumePoint`: after the optimizer's step where gradients are accumulated, and
    not before a validation between two steps.

    Args:
        every_n_steps: optimizer steps from one checkpoint to the next.
        every_n_minutes: minutes from one checkpoint to the next.
    """

    def __init__(self, every_n_steps: int | None = None, every_n_minutes: float | None = None) -> None:
        if every_n_steps is not None and every_n_steps < 1:
            raise ValueError(f"every_n_steps is {every_n_steps}; it must be at least 1, or null")
        if every_n_minutes is not None and every_n_minutes <= 0:
            raise ValueError(f"every_n_minutes is {every_n_minutes}; it must be above 0, or null")
        self.every_n_steps, self.every_n_minutes = every_n_steps, every_n_minutes
        self.step, self.time = 0, time.monotonic()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.on_saved(trainer)

    def is_due(self, trainer: Trainer, moment: Moment) -> bool:
        if moment == "validation":
            return True
        if self.every_n_steps and trainer.global_step - self.step >= self.every_n_steps:
            return True
        if not self.every_n_minutes:
            return False
        is_late = time.monotonic() - self.time >= 60 * self.every_n_minutes
        return trainer.strategy.reduce_boolean_decision(is_late, all=False)  # clocks of ranks differ

    def on_saved(self, trainer: Trainer) -> None:
        self.step, self.time = trainer.global_step, time.monotonic()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        save_end(trainer)
