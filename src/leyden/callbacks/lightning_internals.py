"""Private names of Lightning, and one of torch, that callbacks need, for which there is no public way."""

from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.loops.fit_loop import RestartStage
from torch import Tensor
from torch.optim import Optimizer

# What a ModelCheckpoint decides by, and leaves out of its own state.
CHECKPOINT_DECISIONS = (
    "_last_global_step_saved",
    "_last_checkpoint_saved",
    "_defer_save_until_validation",
    "current_score",
)


def leave_signals_alone(trainer: Trainer) -> None:
    """Lightning registers no handler of signals, and does not broadcast before each batch whether one came."""
    trainer._signal_connector.register_signal_handlers = lambda: None
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None


def is_logging_step(trainer: Trainer) -> bool:
    """Whether loggers are sent what this step logs."""
    return trainer._logger_connector.should_update_logs


def takes_scale_back(optimizer: Optimizer) -> bool:
    """Whether gradients that are scaled, as for float16, stay so until the optimizer's step: torch's mark of fused ones."""
    return getattr(optimizer, "_step_supports_amp_scaling", False)


def logged_values(trainer: Trainer) -> dict[str, Tensor]:
    """The last value of each metric, each time it is logged another tensor; unlike in `trainer.callback_metrics`, nothing
    is computed for it.
    """
    return trainer._logger_connector._callback_metrics


def is_within_step(trainer: Trainer) -> bool:
    """Whether the optimizer's step comes with a later batch, with which this one's gradients are added up."""
    return trainer.fit_loop.epoch_loop._should_accumulate()


def begin_mid_epoch(trainer: Trainer) -> None:
    """Continues in the middle of an epoch instead of starting a new one."""
    trainer.fit_loop._restart_stage = RestartStage.RESTARTED_MID_EPOCH


def keep_epoch_sums(trainer: Trainer) -> None:
    """Keeps the sums of the epoch, which Lightning resets at its first batch."""
    trainer._logger_connector._first_loop_iter = False


def finish_batch(trainer: Trainer) -> None:
    """Validates, even where that is due every so many minutes, and does all that comes after a batch of training."""
    trainer._last_val_time = float("-inf")  # pyrefly: ignore[missing-attribute]
    fetcher: Any = trainer.fit_loop._data_fetcher
    assert fetcher
    trainer.fit_loop.epoch_loop.on_advance_end(fetcher)
