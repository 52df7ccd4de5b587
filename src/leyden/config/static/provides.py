"""Class attributes, read from source: names that data modules provide, their path arguments, a task's metric."""

import ast
from typing import Any

from .signature import ancestors, is_class
from .source import NameMissingError, bindings, find, texts


def provided(target: str) -> list[str] | None:
    """Return the names that a data module provides, or None if they cannot be determined from source."""
    return declared(target, "provides")


def declared(target: str, attribute: str) -> list[str] | None:
    """Return the strings in `attribute = ("name", *Base.attribute)` of a class, or None if they cannot be determined."""
    try:
        definition = find(target)
    except NameMissingError:
        return None
    names: list[str] = []
    for base in ancestors(definition) if is_class(definition) else ():
        if not base:
            break
        for expression in bindings(base.node.body).get(attribute, []):
            names += texts(expression)
            if not any(isinstance(part, ast.Attribute) for part in ast.walk(expression)):
                return names
    return None


def constant(target: str, attribute: str) -> Any:
    """Return the value of a class attribute that is assigned a constant, or None if it cannot be determined."""
    try:
        definition = find(target)
    except NameMissingError:
        return None
    for base in ancestors(definition) if is_class(definition) else ():
        if not base:
            break
        for statement in base.node.body:
            match statement:
                case ast.Assign([ast.Tuple(names)], ast.Tuple(values)):
                    pairs = list(zip(names, values, strict=False))
                case ast.Assign([name], value) | ast.AnnAssign(name, value=value):
                    pairs = [(name, value)]
                case _:
                    continue
            for name, value in pairs:
                if isinstance(name, ast.Name) and name.id == attribute and isinstance(value, ast.Constant):
                    return value.value
    return None
