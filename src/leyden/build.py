from inspect import Parameter, signature
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate

from .errors import UserError

MISSING = "???"


def build(config: Any, provided: dict[str, Any], **extra: Any) -> Any:
    """Constructs what a configuration describes.

    Args:
        config: a dict with `_target_` and the arguments, which may be such dicts themselves.
        provided: values for arguments of the same name, wherever they are required or given as `???`.
        **extra: further arguments of the outermost object, such as objects that no file can describe.

    Raises:
        UserError: a constructor says what the user has to change.
    """
    filled = _fill(config, provided)
    try:
        if extra:
            return instantiate(filled | {"_partial_": True}, _convert_="all")(**extra)
        return instantiate(filled, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, UserError):  # hidden in Hydra's own exception
            raise error.__cause__ from None
        raise


def _fill(node: Any, provided: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_fill(value, provided) for value in node]
    if not isinstance(node, dict):
        return node
    filled = {
        key: provided.get(key, value) if value == MISSING else _fill(value, provided) for key, value in node.items()
    }
    if "_target_" in node:
        for name in _required(get_object(node["_target_"])) & provided.keys():
            filled.setdefault(name, provided[name])
    return filled


def _required(target: Any) -> set[str]:
    try:
        parameters = signature(target).parameters.values()
    except ValueError:  # written in C without a signature
        return set()
    return {one.name for one in parameters if one.default is Parameter.empty and one.kind is not Parameter.VAR_KEYWORD}
