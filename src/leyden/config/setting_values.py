"""Values of settings: whether a constructor receives them unchanged, and how messages format them."""

import ast
from typing import Any

from ..errors import hint
from .origins import Key
from .static.annotations import choices, fits
from .static.signature import Parameter
from .targets import MISSING


def is_plain(value: Any) -> bool:
    """Whether the constructor receives the value unchanged."""
    if isinstance(value, dict):
        return "_target_" not in value and all(map(is_plain, value.values()))
    return all(map(is_plain, value)) if isinstance(value, list) else value != MISSING


def format_value(value: Any) -> str:
    """Format a value as YAML does."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def expected(value: Any, parameter: Parameter) -> str:
    """Describe the values that a parameter accepts, given one of the wrong type."""
    annotation = _in_words(parameter.annotation) if parameter.annotation else ""
    if isinstance(value, str) and fits([value], parameter):
        return f"{annotation}: use a list, [{value}]"
    if isinstance(value, float) and value.is_integer() and fits(int(value), parameter):
        return f"{annotation}: write {int(value)}"
    if allowed := choices(parameter):
        near = hint(str(value), allowed)
        return f"one of {', '.join(allowed)}{near if 'mean' in near else ''}"
    return annotation


def _in_words(annotation: ast.expr) -> str:
    """`Optional[int]` and `int | None` as `int or null`, as one writes it in YAML."""
    if isinstance(annotation, ast.BinOp):
        return f"{_in_words(annotation.left)} or {_in_words(annotation.right)}"
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value).rpartition(".")[2] in (
        "Optional",
        "Union",
    ):
        members = (
            annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice, ast.Constant(None)]
        )
        return " or ".join(map(_in_words, members))
    return "null" if isinstance(annotation, ast.Constant) and annotation.value is None else ast.unparse(annotation)


def nested_key(node: dict[str, Any], name: str) -> Key:
    """Return the key of a nested setting of that name, or () if there is none."""
    for key, value in node.items():
        if isinstance(value, dict) and (rest := (name,) if name in value else nested_key(value, name)):
            return (key, *rest)
    return ()
