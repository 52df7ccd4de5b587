"""The callbacks that a configuration describes."""

import os
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, Literal

from hydra.utils import get_object
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import ModelCheckpoint

from ..config.build import MISSING, build
from ..config.refused_callbacks import callback_refusal
from ..errors import UserError


def configured_callbacks(
    configs: dict[str, Any], folder: Path, monitor: str, mode: Literal["min", "max"]
) -> dict[str, Callback]:
    """The callbacks of a run, by name, which keep all that they save in the run directory.

    Args:
        configs: name -> description, or None for a callback that is taken out.
        folder: the run directory.
        monitor: the metric that they follow where none is given.
        mode: whether less or more of it is better.

    Raises:
        UserError: one would do something else here than it says, or save elsewhere.
    """
    found = {name: _within(folder, name, config) for name, config in configs.items() if config}
    return {name: configured_callback(name, config, monitor, mode) for name, config in found.items()}


def best_of(callbacks: dict[str, Callback]) -> ModelCheckpoint | None:
    """The callback that chooses the best checkpoint: the one of the name `best`, or else the first that follows a metric."""
    choosing = {name: one for name, one in callbacks.items() if isinstance(one, ModelCheckpoint) and one.monitor}
    return choosing.get("best", next(iter(choosing.values()), None))


def _within(folder: Path, name: str, config: dict[str, Any]) -> dict[str, Any]:
    if not (given := config.get("dirpath")):
        return config
    path = folder / given
    if not Path(os.path.normpath(path)).is_relative_to(folder):
        raise UserError(
            f"callbacks.{name}.dirpath={given} is outside of the run directory, which keeps its checkpoints: "
            "take a relative folder, or runs=FOLDER for whole runs elsewhere"
        )
    return config | {"dirpath": str(path)}


def configured_callback(name: str, config: dict[str, Any], monitor: str, mode: Literal["min", "max"]) -> Callback:
    """A callback of the configuration.

    Args:
        name: below `callbacks`.
        config: describes it.
        monitor: the metric that it follows where none is given.
        mode: whether less or more of it is better.

    Raises:
        UserError: it would do something else here than it says.
    """
    if refusal := _refusal(get_object(config["_target_"])):
        raise UserError(f"callbacks.{name}: {refusal}")
    return build(_directed(config, monitor, mode), {"monitor": monitor, "mode": mode})


def _refusal(target: Any) -> str:
    names = [f"{one.__module__}.{one.__qualname__}" for one in getattr(target, "__mro__", ())]  # a function has none
    return callback_refusal(names[0], names[1:]) if names else ""


def _directed(config: dict[str, Any], monitor: str, mode: str) -> dict[str, Any]:
    """With the direction of the metric, where that is followed: by default Lightning takes less of any for better."""
    parameters = signature(get_object(config["_target_"])).parameters
    if not {"monitor", "mode"} <= parameters.keys():
        return config
    followed = config.get("monitor", parameters["monitor"].default)
    return {"mode": mode, **config} if followed in (monitor, MISSING, Parameter.empty) else config
