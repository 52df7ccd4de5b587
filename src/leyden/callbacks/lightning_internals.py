"""Private names of Lightning and torch that callbacks need and that have no public equivalent."""

from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.loops.fit_loop import RestartStage
from torch import Tensor
from torch.optim import Optimizer

# Attributes on which a ModelCheckpoint bases its decisions, and which its state does not contain.
CHECKPOINT_DECISIONS = (
    "_last_global_step_saved",
    "_last_checkpoint_saved",
    "_defer_save_until_validation",
    "current_score",
)


def disable_signal_handlers(trainer: Trainer) -> None:
    """Disable Lightning's signal handlers and its broadcast before each batch."""
    trainer._signal_connector.register_signal_handlers = lambda: None
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None


def is_logging_step(trainer: Trainer) -> bool:
    """Whether the values logged in this step are sent to loggers."""
    return trainer._logger_connector.should_update_logs


def unscales_in_step(optimizer: Optimizer) -> bool:
    """Whether scaled float16 gradients are unscaled in the optimizer's step, as by fused optimizers."""
    return getattr(optimizer, "_step_supports_amp_scaling", False)


def logged_values(trainer: Trainer) -> dict[str, Tensor]:
    """Return the last logged value of each metric, a new tensor each time, without computing epoch values as
    `trainer.callback_metrics` does.
    """
    return trainer._logger_connector._callback_metrics


def is_accumulating(trainer: Trainer) -> bool:
    """Whether gradients are accumulated, so that the optimizer's step follows with a later batch."""
    return trainer.fit_loop.epoch_loop._should_accumulate()


def end_restart(trainer: Trainer) -> None:
    """Let the loops of training go on as if they had not been restored; with a limit of steps, `fit_loop.restarting = False`
    does the opposite."""
    trainer.fit_loop._restarting = False
    trainer.fit_loop.epoch_loop.restarting = False  # of the validation's loop, too


def begin_mid_epoch(trainer: Trainer) -> None:
    """Continue in the middle of an epoch instead of starting a new one."""
    trainer.fit_loop._restart_stage = RestartStage.RESTARTED_MID_EPOCH


def keep_epoch_sums(trainer: Trainer) -> None:
    """Keep the sums of the epoch, which Lightning resets at its first batch."""
    trainer._logger_connector._first_loop_iter = False


def finish_batch(trainer: Trainer) -> None:
    """Run everything that follows a training batch, including validation, even if validation is time-based."""
    trainer._last_val_time = float("-inf")  # pyrefly: ignore[missing-attribute]
    fetcher: Any = trainer.fit_loop._data_fetcher
    assert fetcher
    trainer.fit_loop.epoch_loop.on_advance_end(fetcher)
