from collections.abc import Callable
from inspect import signature
from typing import Any, Literal

from lightning.pytorch import Trainer
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ..errors import UserError

MISSING = "???"


def schedule(
    scheduler: Callable[..., Any],
    optimizer: Optimizer,
    trainer: Trainer | None,
    monitor: str,
    mode: Literal["min", "max"],
) -> dict[str, Any]:
    """Build a learning rate scheduler in the format of Lightning's `configure_optimizers`.

    Args:
        scheduler: builds a scheduler from an optimizer. If it has an argument `total_steps`, that is set to the total
            number of training steps, unless given, and it steps with each batch; otherwise with each epoch.
            `ReduceLROnPlateau` follows `monitor` in the direction `mode` and steps with each validated epoch.
        optimizer: the optimizer.
        trainer: the trainer, which determines the number of steps; None without one.
        monitor: name of the metric that `ReduceLROnPlateau` follows.
        mode: whether the metric is best at its minimum or maximum.

    Raises:
        UserError: the number of training steps is unlimited, or `ReduceLROnPlateau` has the wrong mode.
    """
    settings, given = getattr(scheduler, "keywords", {}), {}
    takes_steps = "total_steps" in signature(scheduler).parameters
    if takes_steps and settings.get("total_steps") in (None, MISSING):
        given["total_steps"] = _total_steps(trainer)
    if getattr(scheduler, "func", scheduler) is ReduceLROnPlateau and settings.get("mode") in (None, MISSING):
        given["mode"] = mode
    built = scheduler(optimizer, **given)
    parts = {"scheduler": built, "interval": "step" if takes_steps else "epoch"}
    if isinstance(built, ReduceLROnPlateau):
        if built.mode != mode:
            raise UserError(f"model.scheduler.mode is {built.mode}, but {monitor} is best at its {mode}: remove mode")
        every = trainer.check_val_every_n_epoch if trainer else 1
        # Epochs without validation have no metric to follow.
        parts |= {"monitor": monitor, "frequency": every or 1, "strict": False}
    return parts


def _total_steps(trainer: Trainer | None) -> int:
    if trainer is None:
        raise RuntimeError("total_steps is unknown without a trainer")
    steps = trainer.estimated_stepping_batches
    if steps == float("inf"):
        raise UserError(
            "model.scheduler needs the number of training steps, but trainer.max_epochs=-1 sets no limit: "
            "set trainer.max_epochs, trainer.max_steps or model.scheduler.total_steps, or model.scheduler=null"
        )
    return int(steps)
