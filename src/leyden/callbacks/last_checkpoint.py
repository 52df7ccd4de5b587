import time
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

NAME = "last.ckpt"


class LastCheckpoint(Checkpoint):
    """Saves what a killed run goes on from: after each validation, at the end, and between as often as is said.

    A run that goes on from there ends with the bits of one that was left alone. Not every moment allows that: within
    the steps of gradient accumulation a checkpoint would lack the gradients, and after the last batch of an epoch
    Lightning would leave out the validation. So a checkpoint may come some batches later than is said.

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
        self.measured: dict[str, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.step, self.time = trainer.global_step, time.monotonic()
        # What was measured last, of which an epoch that was left after its validation still has to choose the best.
        trainer._logger_connector._callback_metrics.update(self.measured)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if is_resumable(trainer) and self._is_due(trainer):
            self._save(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        is_step_limit = 0 <= trainer.max_steps <= trainer.global_step  # Lightning would end before the epoch does
        if trainer.state.fn == "fit" and not trainer.sanity_checking and not is_step_limit:
            self._save(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Else Lightning leaves out ReduceLROnPlateau for the rest of a training that goes on within an epoch: it does not
        # save the metrics that are followed, but here they are.
        trainer.fit_loop._restarting = False

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.step < trainer.global_step:
            self._save(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        measured = trainer.callback_metrics
        checkpoint["measured"] = {name: value.detach().cpu() for name, value in measured.items()}

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self.measured = checkpoint.get("measured", {})

    def _is_due(self, trainer: Trainer) -> bool:
        if self.every_n_steps and trainer.global_step - self.step >= self.every_n_steps:
            return True
        if not self.every_n_minutes:
            return False
        is_late = time.monotonic() - self.time >= 60 * self.every_n_minutes
        return trainer.strategy.reduce_boolean_decision(is_late, all=False)  # clocks of ranks differ

    def _save(self, trainer: Trainer) -> None:
        self.step, self.time = trainer.global_step, time.monotonic()
        trainer.save_checkpoint(Path(trainer.default_root_dir) / "checkpoints" / NAME)


def is_resumable(trainer: Trainer) -> bool:
    """Whether a checkpoint at the end of this batch holds all that a run needs to go on from it."""
    loop = trainer.fit_loop.epoch_loop
    if loop._should_accumulate() or loop._is_training_done:
        return False
    fetcher = trainer.fit_loop._data_fetcher
    assert fetcher
    return not loop._should_check_val_fx(fetcher)
