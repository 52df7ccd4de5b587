"""Build the callbacks of a configuration."""

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
    """Build the callbacks of a run by name; they save to the run directory only.

    Args:
        configs: Name -> configuration, or None for a removed callback.
        folder: The run directory.
        monitor: Default metric to monitor.
        mode: Whether the metric is minimized or maximized.

    Raises:
        UserError: A callback does not work here, or would save outside of the run directory.
    """
    within = {name: _within(folder, name, config) for name, config in configs.items() if config}
    return {name: configured_callback(name, config, monitor, mode) for name, config in within.items()}


def best_of(callbacks: dict[str, Callback]) -> ModelCheckpoint | None:
    """Return the callback that chooses the best checkpoint: `best`, or else the first that monitors a metric."""
    savers = {name: callback for name, callback in callbacks.items() if isinstance(callback, ModelCheckpoint)}
    monitoring = {name: callback for name, callback in savers.items() if callback.monitor}
    return monitoring.get("best", next(iter(monitoring.values()), None))


def _within(folder: Path, name: str, config: dict[str, Any]) -> dict[str, Any]:
    if not (given := config.get("dirpath")):
        return config
    path = folder / given
    if not Path(os.path.normpath(path)).is_relative_to(folder):
        raise UserError(
            f"callbacks.{name}.dirpath={given} is outside of the run directory: use a relative folder, or "
            "runs=FOLDER to store whole runs elsewhere"
        )
    return config | {"dirpath": str(path)}


def configured_callback(name: str, config: dict[str, Any], monitor: str, mode: Literal["min", "max"]) -> Callback:
    """Build a callback.

    Args:
        name: Its name in `callbacks`.
        config: Its configuration.
        monitor: Default metric to monitor.
        mode: Whether the metric is minimized or maximized.

    Raises:
        UserError: The callback does not work here.
    """
    if refusal := _refusal(get_object(config["_target_"])):
        raise UserError(f"callbacks.{name}: {refusal}")
    return build(_with_mode(config, monitor, mode), {"monitor": monitor, "mode": mode})


def _refusal(target: Any) -> str:
    names = [f"{cls.__module__}.{cls.__qualname__}" for cls in getattr(target, "__mro__", ())]  # a function has none
    return callback_refusal(names[0], names[1:]) if names else ""


def _with_mode(config: dict[str, Any], monitor: str, mode: str) -> dict[str, Any]:
    """Set the mode of the task's metric if it is monitored, since Lightning's default is `min` for any metric."""
    parameters = signature(get_object(config["_target_"])).parameters
    if not {"monitor", "mode"} <= parameters.keys():
        return config
    monitored = config.get("monitor", parameters["monitor"].default)
    return {"mode": mode, **config} if monitored in (monitor, MISSING, Parameter.empty) else config
