"""Classes read from source, with their bases."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from .source import Definition, resolve

# Bases without arguments of their own; NamedTuple is seen to where fields are.
_PLAIN_BASES = {"object", "ABC", "Generic", "Protocol", "NamedTuple"}


@dataclass(frozen=True, eq=False)
class Lineage:
    """A class, None where it cannot be read, and what follows it in the order of method resolution.

    What follows is read when it is asked for: most constructors can be told without their farther ancestors.
    """

    definition: Definition | None
    follow: Callable[[], "Lineage | None"]

    @cached_property
    def rest(self) -> "Lineage | None":
        return self.follow()

    def __iter__(self) -> Iterator["Lineage"]:
        one: Lineage | None = self
        while one:
            yield one
            one = one.rest


@cache
def lineage(definition: Definition) -> Lineage:
    assert isinstance(definition.node, ast.ClassDef)
    bases = [base for base in definition.node.bases if last_name(base) not in _PLAIN_BASES]
    return Lineage(definition, lambda: _merged(definition, bases))


def _merged(definition: Definition, bases: list[ast.expr]) -> Lineage | None:
    found = [_class(definition, base) for base in bases]
    if len(found) == 1:
        return found[0]
    order = [one.definition for base in found for one in base]
    # A class that several bases share comes after all of them.
    order = [one for place, one in enumerate(order) if one is None or one not in order[place + 1 :]]
    following: Lineage | None = None
    for one in reversed(order):
        following = Lineage(one, lambda rest=following: rest)
    return following


def _class(definition: Definition, base: ast.expr) -> Lineage:
    found = resolve(definition.module, base)
    if isinstance(found, Definition) and isinstance(found.node, ast.ClassDef) and found != definition:
        return lineage(found)
    return Lineage(None, lambda: None)


def last_name(expression: ast.expr | None) -> str:
    """`a.b.Name`, `a.b.Name[...]`, `a.b.Name(...)` -> `Name`"""
    match expression:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value) | ast.Call(value):
            return last_name(value)
    return ""
