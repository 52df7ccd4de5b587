"""Check values against the type annotations of arguments, read from source."""

import ast
import builtins
import typing
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from .signature import Parameter, ancestors, is_class
from .source import Definition, Module, last_name, look_up

_BUILTIN = {"bool", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple"}
_LISTS = {"frozenset", "list", "set", "tuple"}
_ITERABLES = {"Collection", "Iterable", "Sequence"}


class _Object:
    """Placeholder for classes of torch and Lightning, of which no plain value is an instance."""


_OBJECTS = dict.fromkeys(("Module", "Optimizer", "Tensor"), _Object)


def fits(value: Any, parameter: Parameter) -> bool:
    """Whether an argument accepts a value: None, bool, int, float, str, list, dict, or `...` for an object."""
    annotation = _evaluate(parameter.annotation, parameter.module)
    try:
        default = ast.literal_eval(parameter.default) if parameter.default else ...
    except (ValueError, TypeError):
        default = ...
    default = list(default) if isinstance(default, tuple) else default
    # An annotation that contradicts its own default is ignored.
    return value == default or _fits(value, annotation) or not _fits(default, annotation)


def accepts_callable(parameter: Parameter) -> bool:
    """Whether the argument accepts a function or a class, to be called later."""
    return "Callable" in _names(_evaluate(parameter.annotation, parameter.module))


def requires_object(parameter: Parameter) -> bool:
    """Whether the argument accepts nothing but an object of torch or Lightning, or None."""
    names = _names(_evaluate(parameter.annotation, parameter.module))
    return "_Object" in names and names <= {"_Object", "NoneType"}


def is_type_checked(function: ast.FunctionDef, name: str, value: Any) -> bool:
    """Whether a function tests an argument for the type of a value with `isinstance`, and so accepts it."""
    for node in ast.walk(function):
        match node:
            case ast.Call(ast.Name("isinstance"), [ast.Name(argument), types]) if argument == name:
                if type(value).__name__ in map(last_name, ast.walk(types)):
                    return True
    return False


def choices(parameter: Parameter) -> list[str]:
    """Return the values of every `Literal` in the annotation."""
    return list(dict.fromkeys(map(str, _literals(_evaluate(parameter.annotation, parameter.module)))))


class _Names(dict[str, Any]):
    """Namespace for evaluating the annotations of a module; names that are not resolved are Any."""

    def __init__(self, module: Module) -> None:
        self.module = module

    def __missing__(self, name: str) -> Any:
        if name in _BUILTIN:
            return getattr(builtins, name)
        if hasattr(typing, name):
            return getattr(typing, name)
        if name in _OBJECTS:
            return _OBJECTS[name]
        definition = look_up(self.module, name)
        if isinstance(definition, Module):
            return _Attributes()
        if is_class(definition) and definition.module.name.startswith("lightning.") and not _is_enum(definition):
            return _Object
        return _evaluate(definition.node, definition.module) if isinstance(definition, Definition) else Any


class _Attributes:
    """A module in an annotation: `typing.Optional` or `torch.Tensor`."""

    def __getattr__(self, name: str) -> Any:
        return _OBJECTS.get(name) or getattr(typing, name, Any)


def _is_enum(definition: Definition) -> bool:
    """Whether a class is an enum, for which a string may be passed, as far as its bases are known."""
    bases = [base for ancestor in ancestors(definition) if ancestor for base in ancestor.node.bases]
    return any(last_name(base).endswith("Enum") for base in bases)


def _evaluate(annotation: ast.AST | None, module: Module) -> Any:
    match annotation:
        case ast.Constant(str(text)):
            code = text
        case ast.expr() if last_name(annotation) != "NewType":
            code = ast.unparse(annotation)
        case _:
            return Any
    try:
        return eval(code, {"__builtins__": {}}, _Names(module))
    except Exception:  # unsupported annotation
        return Any


def _fits(value: Any, annotation: Any) -> bool:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if value is ... or (isinstance(value, dict) and "_target_" in value):
        return True
    if origin is Literal:
        return any(value == literal and isinstance(value, bool) == isinstance(literal, bool) for literal in arguments)
    name = getattr(origin or annotation, "__name__", "")
    match name, value:
        case (("int" | "float" | "bool"), bool()):
            return name == "bool"  # although bool is a subclass of int
        case "bool", _:
            return value in (0, 1)
        case "int", _:
            return isinstance(value, int)  # not 3.0, which range and torch refuse
        case "float", _:
            return isinstance(value, int | float)
        case "str", _:
            return isinstance(value, str)
        case (("dict" | "Mapping" | "MutableMapping"), _):
            return isinstance(value, dict)
        case "tuple", list() if arguments and ... not in arguments:
            return len(value) == len(arguments) and all(map(_fits, value, arguments))
        case _, list() if name in _LISTS | _ITERABLES:
            return not arguments or all(_fits(item, arguments[0]) for item in value)
        case _, str() if name in _ITERABLES:
            return not arguments  # a string would be read as a list of its characters
        case _, dict() if name in _ITERABLES:
            return name != "Sequence"
    if annotation in (None, NoneType):
        return value is None
    return name not in {*_LISTS, *_ITERABLES, "Callable", "_Object"}


def _names(annotation: Any) -> set[str]:
    """Return the names of the types that an annotation allows."""
    if get_origin(annotation) in (Union, UnionType):
        return {name for argument in get_args(annotation) for name in _names(argument)}
    return {getattr(get_origin(annotation) or annotation, "__name__", "")}


def _literals(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [value for argument in get_args(annotation) for value in _literals(argument)]
