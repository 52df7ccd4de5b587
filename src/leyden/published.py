"""The names that a data module publishes, read from its source."""

import ast

from .signature import ancestors, is_class
from .source import NameMissingError, bindings, find, texts


def published(target: str) -> list[str] | None:
    """The strings in `publishes = ("name", *Base.publishes)` of a class; None where source does not tell."""
    try:
        found = find(target)
    except NameMissingError:
        return None
    names: list[str] = []
    for one in ancestors(found) if is_class(found) else ():
        if not one:
            break
        for expression in bindings(one.node.body).get("publishes", []):
            names += texts(expression)
            if not any(isinstance(part, ast.Attribute) for part in ast.walk(expression)):
                return names
    return None
