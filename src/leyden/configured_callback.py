from inspect import Parameter, signature
from typing import Any, Literal

from hydra.utils import get_object
from lightning.pytorch import Callback

from .build import MISSING, build
from .errors import UserError
from .refused_callbacks import callback_refusal


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
