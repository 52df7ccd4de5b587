"""What a data module declares in its class: the names that it provides, and its paths. Read from source."""

import ast

from .signature import ancestors, is_class
from .source import NameMissingError, bindings, find, texts


def provided(target: str) -> list[str] | None:
    """The names that networks may ask for; None where source does not tell."""
    return declared(target, "provides")


def declared(target: str, attribute: str) -> list[str] | None:
    """The strings in `attribute = ("name", *Base.attribute)` of a class; None where source does not tell."""
    try:
        found = find(target)
    except NameMissingError:
        return None
    names: list[str] = []
    for one in ancestors(found) if is_class(found) else ():
        if not one:
            break
        for expression in bindings(one.node.body).get(attribute, []):
            names += texts(expression)
            if not any(isinstance(part, ast.Attribute) for part in ast.walk(expression)):
                return names
    return None
