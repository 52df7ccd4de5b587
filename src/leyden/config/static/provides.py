"""Class attributes of data modules, read from source: the names that they provide, and their path arguments."""

import ast

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
