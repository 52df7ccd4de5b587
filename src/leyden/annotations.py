"""Values against annotations that are read from source. What is not certainly wrong passes."""

import ast
from typing import Any

from .lineage import last_name
from .signature import Parameter
from .source import Definition, Module, is_none, resolve

_NUMBERS_AND_TEXT = {"bool": bool, "int": int, "float": float, "str": str}
_LISTS = {"list", "List", "tuple", "Tuple"}
_ITERABLES = {"Sequence", "Iterable", "Collection", "MutableSequence", "set", "Set", "frozenset"}
_MAPPINGS = {"dict", "Dict", "Mapping", "MutableMapping", "OrderedDict"}
_WRAPPERS = {"Annotated", "ClassVar", "Final", "InitVar", "Required", "NotRequired"}
# Classes that nobody makes out of a word.
_OBJECTS = {"Callable", "Module", "Optimizer", "Tensor"}


def fits(value: Any, parameter: Parameter) -> bool:
    """Whether an argument may be given this plain value (None, bool, int, float, str, list or dict)."""
    if parameter.annotation is None:
        return True
    default = _literal(parameter.default)
    # An annotation that its own default contradicts is not to be trusted.
    is_trusted = default is None or _fits(default, parameter.annotation, parameter.module)
    is_default = parameter.default is not None and value == default
    return is_default or not is_trusted or _fits(value, parameter.annotation, parameter.module)


def choices(parameter: Parameter) -> list[Any]:
    """The values of every `Literal` in the annotation."""
    return _literals(parameter.annotation, parameter.module) if parameter.annotation else []


def _literal(expression: ast.expr | None) -> Any:
    try:
        value = ast.literal_eval(expression) if expression else None
    except (ValueError, TypeError):
        return ...  # an object
    return list(value) if isinstance(value, tuple) else value


def _fits(value: Any, annotation: ast.expr, module: Module) -> bool:
    if value is ...:
        return True
    parts = _parts(annotation, module)
    if len(parts) != 1 or parts[0][0] is not annotation:
        return any(_fits(value, part, origin) for part, origin in parts)
    if is_none(annotation):
        return value is None
    name = last_name(annotation)
    match annotation:
        case ast.Subscript(_, ast.Tuple(items)):
            arguments = items
        case ast.Subscript(_, item):
            arguments = [item]
        case _:
            arguments = []
    if name == "Literal":
        return value in _literals(annotation, module)
    if name in _NUMBERS_AND_TEXT:
        return _fits_plain(value, name)
    if name in _LISTS | _ITERABLES:
        if isinstance(value, list):
            return _items_fit(value, arguments, name in ("tuple", "Tuple"), module)
        return name in _ITERABLES and isinstance(value, str | dict)
    if name in _MAPPINGS:
        return isinstance(value, dict)
    if name in _OBJECTS:
        return name != "Callable" and not isinstance(value, str)
    return True


def _fits_plain(value: Any, name: str) -> bool:
    match value:
        case bool():
            return name != "str"  # Python itself counts with them
        case int():
            return name in ("int", "float") or (name == "bool" and value in (0, 1))
        case float():
            return name == "float" or (name == "int" and value.is_integer())
        case str():
            return name == "str"
    return False


def _items_fit(values: list[Any], arguments: list[ast.expr], is_tuple: bool, module: Module) -> bool:
    wanted = [item for item in arguments if not (isinstance(item, ast.Constant) and item.value is ...)]
    if not wanted:
        return True
    if is_tuple and len(arguments) > 1 and len(wanted) == len(arguments):
        pairs = zip(values, wanted, strict=False)
        return len(values) == len(wanted) and all(_is_object(one) or _fits(one, item, module) for one, item in pairs)
    return all(_is_object(one) or _fits(one, wanted[0], module) for one in values)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and "_target_" in value


def _parts(annotation: ast.expr, module: Module) -> list[tuple[ast.expr, Module]]:
    """The members of a union, with aliases and quotes resolved; the annotation itself where it is none."""
    match annotation:
        case ast.BinOp(left, ast.BitOr(), right):
            return [*_parts(left, module), *_parts(right, module)]
        case ast.Constant(str(text)):
            try:
                return _parts(ast.parse(text, mode="eval").body, module)
            except SyntaxError:
                return [(ast.Name("Any"), module)]
        case ast.Subscript(_, inner) if (name := last_name(annotation)) in {"Union", "Optional", *_WRAPPERS}:
            members = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            members = members[:1] if name in _WRAPPERS else members
            none = [(ast.Constant(None), module)] if name == "Optional" else []
            return [part for member in members for part in _parts(member, module)] + none
        case ast.Name() | ast.Attribute() if not _is_known(last_name(annotation)):
            found = resolve(module, annotation)
            if isinstance(found, Definition) and isinstance(found.node, ast.expr) and found.node is not annotation:
                return _parts(found.node, found.module)
    return [(annotation, module)]


def _is_known(name: str) -> bool:
    return name in {*_NUMBERS_AND_TEXT, *_LISTS, *_ITERABLES, *_MAPPINGS, *_OBJECTS, "Any", "object"}


def _literals(annotation: ast.expr, module: Module) -> list[Any]:
    found = []
    for part, _ in _parts(annotation, module):
        if isinstance(part, ast.Subscript) and last_name(part) == "Literal":
            items = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]
            for item in items:
                if isinstance(item, ast.Constant):
                    found.append(item.value)
                else:
                    return []
    return found
