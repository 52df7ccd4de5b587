"""Values of settings: whether a constructor receives them as they stand, and how a message shows them."""

import ast
from typing import Any

from ..errors import hint
from .origins import Key
from .static.annotations import choices, fits
from .static.signature import Parameter
from .targets import MISSING


def is_plain(value: Any) -> bool:
    """Whether the constructor receives the value as it stands."""
    if isinstance(value, dict):
        return "_target_" not in value and all(map(is_plain, value.values()))
    return all(map(is_plain, value)) if isinstance(value, list) else value != MISSING


def shown(value: Any) -> str:
    """As YAML writes it."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def wanted(value: Any, parameter: Parameter) -> str:
    """What may be given instead of a value that does not fit."""
    annotation = ast.unparse(parameter.annotation) if parameter.annotation else ""
    if isinstance(value, str) and fits([value], parameter):
        return f"{annotation}: put it into brackets, [{value}]"
    if isinstance(value, float) and value.is_integer() and fits(int(value), parameter):
        return f"{annotation}: write {int(value)}"
    if allowed := choices(parameter):
        near = hint(str(value), allowed)
        return f"one of {', '.join(allowed)}{near if 'mean' in near else ''}"
    return annotation


def below(node: dict[str, Any], name: str) -> Key:
    """Where a part of a configuration has a setting of that name further down; () where it has none."""
    for key, value in node.items():
        if isinstance(value, dict) and (found := (name,) if name in value else below(value, name)):
            return (key, *found)
    return ()
