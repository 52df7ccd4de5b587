from inspect import Parameter, signature
from typing import Any, Literal

from hydra.utils import get_object
from lightning.pytorch import Callback

from .build import MISSING, build
from .errors import UserError
from .refused_features import callback_refusal


def configured_callbacks(
    configs: dict[str, dict[str, Any] | None], monitor: str, mode: Literal["min", "max"]
) -> list[Callback]:
    """The callbacks of a configuration.

    Args:
        configs: name -> description of a callback; None for one that is taken out.
        monitor: the metric that those follow to which none is given.
        mode: whether less or more of it is better.

    Raises:
        UserError: a callback would do something else here than it says.
    """
    callbacks = []
    for name, config in configs.items():
        if config:
            if refusal := _refusal(get_object(config["_target_"])):
                raise UserError(f"callbacks.{name}: {refusal}")
            callbacks.append(build(_directed(config, monitor, mode), {"monitor": monitor, "mode": mode}))
    return callbacks


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
