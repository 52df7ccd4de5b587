"""The names that a data module publishes, read from its source."""

import ast

from .lineage import lineage
from .source import Definition, Module, NameMissingError, find, namespace, resolve


def published(target: str) -> tuple[str, ...] | None:
    """The `publishes` of a class, own or inherited; None where it cannot be known."""
    try:
        return _of(find(target))
    except NameMissingError:
        return None


def _of(found: Module | Definition | None) -> tuple[str, ...] | None:
    if not isinstance(found, Definition) or not isinstance(found.node, ast.ClassDef):
        return None
    for definition in (one.definition for one in lineage(found)):
        if not definition or not isinstance(definition.node, ast.ClassDef):
            return None
        match namespace(definition.node.body).get("publishes"):
            case [binding] if isinstance(binding.node, ast.expr):
                return _names(definition.module, binding.node)
            case [_, *_]:
                return None
    return None


def _names(module: Module, expression: ast.expr) -> tuple[str, ...] | None:
    """`("a", *Base.publishes)` and `Base.publishes + ("a",)` -> names"""
    match expression:
        case ast.Constant(str(name)):
            return (name,)
        case ast.Tuple(items) | ast.List(items):
            parts = [_names(module, item) for item in items]
        case ast.BinOp(left, ast.Add(), right):
            parts = [_names(module, left), _names(module, right)]
        case ast.Starred(inner):
            return _names(module, inner)
        case ast.Attribute(base, "publishes"):
            return _of(resolve(module, base))
        case _:
            return None
    return None if None in parts else tuple(name for part in parts if part for name in part)
