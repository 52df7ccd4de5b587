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
    """A learning rate scheduler as Lightning's `configure_optimizers` returns it.

    Args:
        scheduler: optimizer -> scheduler. One that takes `total_steps` is given the steps of the whole training, unless
            they are set, and steps with each batch; any other steps with each epoch. `ReduceLROnPlateau` is given the
            direction of `monitor` and steps with each epoch that is validated.
        optimizer: whose learning rates it sets.
        trainer: knows the steps of the training; none where the model is alone.
        monitor: the metric that `ReduceLROnPlateau` follows.
        mode: whether less or more of it is better.

    Raises:
        UserError: the training has no end from which the steps could be known, or `ReduceLROnPlateau` is to follow the
            metric in the wrong direction.
    """
    known, given = getattr(scheduler, "keywords", {}), {}
    takes_steps = "total_steps" in signature(scheduler).parameters
    if takes_steps and known.get("total_steps") in (None, MISSING):
        given["total_steps"] = _total_steps(trainer)
    if getattr(scheduler, "func", scheduler) is ReduceLROnPlateau and known.get("mode") in (None, MISSING):
        given["mode"] = mode
    built = scheduler(optimizer, **given)
    parts = {"scheduler": built, "interval": "step" if takes_steps else "epoch"}
    if isinstance(built, ReduceLROnPlateau):
        if built.mode != mode:
            raise UserError(
                f"model.scheduler.mode is {built.mode}, but {monitor} is best at its {mode}: leave mode out"
            )
        every = trainer.check_val_every_n_epoch if trainer else 1
        # An epoch that is not validated has nothing to follow.
        parts |= {"monitor": monitor, "frequency": every or 1, "strict": False}
    return parts


def _total_steps(trainer: Trainer | None) -> int:
    if trainer is None:
        raise RuntimeError("only a trainer knows total_steps")
    steps = trainer.estimated_stepping_batches
    if steps == float("inf"):
        raise UserError(
            "model.scheduler needs to know how many steps the training has, but trainer.max_epochs=-1 sets no limit: "
            "set trainer.max_epochs, trainer.max_steps or model.scheduler.total_steps, or model.scheduler=null"
        )
    return int(steps)
