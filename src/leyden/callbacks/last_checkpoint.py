import time

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from .resume_point import Moment, SavesAtPoints


class LastCheckpoint(SavesAtPoints, Checkpoint):
    """Save the last checkpoint before each validation, at the end of training and, optionally, at intervals.

    A killed run resumes from it and ends with bitwise the same results. Checkpoints are saved at the next resume point,
    see `ResumePoint`: not while gradients are accumulated.

    Args:
        every_n_steps: Optimizer steps between checkpoints.
        every_n_minutes: Minutes between checkpoints.

    Raises:
        ValueError: An interval is not positive.
    """

    saves_end = True

    def __init__(self, every_n_steps: int | None = None, every_n_minutes: float | None = None) -> None:
        if every_n_steps is not None and every_n_steps < 1:
            raise ValueError(f"expected every_n_steps of at least 1, or null, got {every_n_steps}")
        if every_n_minutes is not None and every_n_minutes <= 0:
            raise ValueError(f"expected every_n_minutes above 0, or null, got {every_n_minutes}")
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
