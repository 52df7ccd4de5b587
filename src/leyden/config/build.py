from functools import partial
from inspect import signature
from typing import Any

from hydra.utils import get_object

from ..errors import RunError, UserError
from .targets import HYDRA_KEYS, MISSING


def build(config: Any, provided: dict[str, Any], **extra: Any) -> Any:
    """Instantiate a configuration like Hydra's `instantiate`, but keep strings unchanged: they are never interpolated.

    Args:
        config: A dict with `_target_` and arguments, which may be such dicts themselves.
        provided: Values for arguments of these names that are required or configured as `???`.
        **extra: Further arguments of the outermost object, such as objects that YAML cannot describe.

    Raises:
        UserError: A target cannot be imported, a value is missing, or a constructor raises UserError.
        RunError: A constructor raises ValueError or Lightning's MisconfigurationException.
    """
    if isinstance(config, list):
        return [build(value, provided) for value in config]
    if not isinstance(config, dict):
        return config
    if "_target_" not in config:
        return {name: _argument(name, value, provided) for name, value in config.items()}
    try:
        target = get_object(config["_target_"])
    except ImportError as error:  # not always known from source
        raise UserError(f"{config['_target_']} cannot be imported: {error}") from error
    given = {name: value for name, value in config.items() if name not in HYDRA_KEYS}
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
        if isinstance(error, ValueError) or _is_misconfiguration(error):  # such as sizes inferred from the data
            raise RunError(f"{config['_target_'].rpartition('.')[2]}: {error}") from error
        raise


def _argument(name: str, value: Any, provided: dict[str, Any]) -> Any:
    if value != MISSING:
        return build(value, provided)
    if name not in provided:
        raise UserError(f"a value for {name} is missing: replace {MISSING} by a value")
    return provided[name]


def _is_misconfiguration(error: Exception) -> bool:
    """Whether the exception is Lightning's MisconfigurationException, without importing Lightning."""
    return "MisconfigurationException" in (base.__name__ for base in type(error).__mro__)


def _required(target: Any) -> set[str]:
    try:
        parameters = signature(target).parameters.values()
    except ValueError:  # written in C without a signature
        return set()
    return {item.name for item in parameters if item.default is item.empty and item.kind is not item.VAR_KEYWORD}
