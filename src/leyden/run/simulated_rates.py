"""Learning rates of a run's schedule, computed without training."""

import math
from inspect import signature
from typing import Any

import torch
from torch.optim import Optimizer

from ..config.build import build
from ..config.targets import MISSING
from .extension import total_steps


def differing_rates(
    before: dict[str, Any], after: dict[str, Any], step: int, epoch: int, steps_per_epoch: int | None
) -> str:
    """Return why the schedule of another configuration does not continue that of a run; empty if it does.

    The schedules are stepped: the rates of all steps done have to be equal, and the new schedule with the state of the
    former one has to go on like one that had been new from the start.

    Args:
        before: The configuration of the run.
        after: The other one.
        step: Optimizer steps done.
        epoch: Epochs done.
        steps_per_epoch: Optimizer steps of an epoch; None if unknown.
    """
    schedules = [_Schedule(config, steps_per_epoch) for config in (before, after)]
    old, new = schedules
    if not new.takes_steps and before["model"].get("scheduler") == after["model"].get("scheduler"):
        return ""  # it knows nothing of the length
    if math.inf in (old.total, new.total):
        return f"the number of steps, on which {new.name} depends, is unknown"
    done = step if new.takes_steps else epoch
    try:
        first, second = old.started(), new.started()
        for index in range(done):
            if _rates(first[0]) != _rates(second[0]):
                return f"{new.name} depends on the length: it would have had other learning rates from step {index} on"
            _step(*first), _step(*second)
        continued = new.started()
        continued[0].load_state_dict(first[0].state_dict())
        continued[1].load_state_dict(first[1].state_dict())
        end = int(new.total if new.takes_steps else math.ceil(new.total / (steps_per_epoch or 1)))
        for index in range(done, end):
            if _rates(continued[0]) != _rates(second[0]):
                return f"the saved state of {new.name} keeps its former learning rates, from step {index} on"
            _step(*continued), _step(*second)
    except TypeError:  # such as ReduceLROnPlateau, which follows a metric
        return f"{new.name} cannot be changed: its learning rates are known only while training"
    return ""


class _Schedule:
    """The schedule of a configuration, for an optimizer of one parameter."""

    def __init__(self, config: dict[str, Any], steps_per_epoch: int | None) -> None:
        self.model, self.total = config["model"], total_steps(config["trainer"], steps_per_epoch)
        self.scheduler = build(self.model["scheduler"], {}) if self.model.get("scheduler") else None
        self.name = str((self.model.get("scheduler") or {}).get("_target_")).rpartition(".")[2]
        parameters = signature(self.scheduler).parameters if self.scheduler else {}
        given = (self.model.get("scheduler") or {}).get("total_steps")
        self.takes_steps = "total_steps" in parameters
        self.is_given = given not in (None, MISSING)

    def started(self) -> tuple[Optimizer, Any]:
        optimizer = build(self.model["optimizer"], {})([torch.nn.Parameter(torch.zeros(1))])
        assert self.scheduler
        given = {"total_steps": int(self.total)} if self.takes_steps and not self.is_given else {}
        scheduler = self.scheduler(optimizer, **given)
        optimizer.step()  # otherwise torch warns
        return optimizer, scheduler


def _step(optimizer: Optimizer, scheduler: Any) -> None:
    scheduler.step()


def _rates(optimizer: Optimizer) -> dict[str, Any]:
    """The learning rate and whatever else a schedule changes, such as momentum."""
    (group,) = optimizer.param_groups
    return {name: value for name, value in group.items() if name != "params"}
