from functools import partial
from inspect import Parameter, signature
from typing import Any

from hydra.utils import get_object

from ..errors import RunError, UserError
from .targets import MISSING, OF_HYDRA


def build(config: Any, provided: dict[str, Any], **extra: Any) -> Any:
    """Constructs what a configuration describes, as Hydra's `instantiate` does; a text stays a text, whatever is in it.

    Args:
        config: a dict with `_target_` and the arguments, which may be such dicts themselves.
        provided: values for arguments of the same name, wherever they are required or given as `???`.
        **extra: further arguments of the outermost object, such as objects that no file can describe.

    Raises:
        UserError: a value is missing, or a constructor says what the user has to change.
        RunError: a constructor refuses its arguments.
    """
    if isinstance(config, list):
        return [build(value, provided) for value in config]
    if not isinstance(config, dict):
        return config
    if "_target_" not in config:
        return {name: _argument(name, value, provided) for name, value in config.items()}
    try:
        target = get_object(config["_target_"])
    except ImportError as error:  # what source does not tell
        raise UserError(f"{config['_target_']} cannot be imported: {error}") from error
    given = {name: value for name, value in config.items() if name not in OF_HYDRA}
    if config.get("_recursive_", True):
        given = {name: _argument(name, value, provided) for name, value in given.items()}
    for name in _required(target) & provided.keys():
        given.setdefault(name, provided[name])
    args = build(config.get("_args_", []), provided)
    if config.get("_partial_"):
        return partial(target, *args, **given | extra)
    try:
        return target(*args, **given | extra)
    except Exception as error:
        if isinstance(error, ValueError) or _is_misconfiguration(error):  # as of sizes that only the data tells
            raise RunError(f"{config['_target_'].rpartition('.')[2]}: {error}") from error
        raise


def _argument(name: str, value: Any, provided: dict[str, Any]) -> Any:
    if value != MISSING:
        return build(value, provided)
    if name not in provided:
        raise UserError(f"a value for {name} is missing: give it in place of {MISSING}")
    return provided[name]


def _is_misconfiguration(error: Exception) -> bool:
    """Whether it is Lightning's exception for arguments that it refuses."""
    return "MisconfigurationException" in (one.__name__ for one in type(error).__mro__)


def _required(target: Any) -> set[str]:
    try:
        parameters = signature(target).parameters.values()
    except ValueError:  # written in C without a signature
        return set()
    return {one.name for one in parameters if one.default is Parameter.empty and one.kind is not Parameter.VAR_KEYWORD}
