"""Whether a value certainly has the wrong type for an argument, by its annotation in source."""

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
    """Stands for classes of torch and Lightning, of which no plain value is an instance."""


_OBJECTS = dict.fromkeys(("Module", "Optimizer", "Tensor"), _Object)


def fits(value: Any, parameter: Parameter) -> bool:
    """Whether an argument may be given this value: None, bool, int, float, str, list, dict, or `...` for an object."""
    wanted = _meaning(parameter.annotation, parameter.module)
    try:
        default = ast.literal_eval(parameter.default) if parameter.default else ...
    except (ValueError, TypeError):
        default = ...
    default = list(default) if isinstance(default, tuple) else default
    # An annotation that its own default contradicts is not to be trusted.
    return value == default or _fits(value, wanted) or not _fits(default, wanted)


def is_called(parameter: Parameter) -> bool:
    """Whether the argument is a function or a class, to be called later."""
    return "Callable" in _names(_meaning(parameter.annotation, parameter.module))


def is_object(parameter: Parameter) -> bool:
    """Whether the argument is one of torch's objects, which nothing else can stand for."""
    names = _names(_meaning(parameter.annotation, parameter.module))
    return "_Object" in names and names <= {"_Object", "NoneType"}


def is_asked(function: ast.FunctionDef, name: str, value: Any) -> bool:
    """Whether a function asks by `isinstance` if an argument has the type of a value: then it has a use for it."""
    for node in ast.walk(function):
        match node:
            case ast.Call(ast.Name("isinstance"), [ast.Name(asked), kinds]) if asked == name:
                if type(value).__name__ in map(last_name, ast.walk(kinds)):
                    return True
    return False


def choices(parameter: Parameter) -> list[str]:
    """The values of every `Literal` in the annotation."""
    return list(dict.fromkeys(map(str, _literals(_meaning(parameter.annotation, parameter.module)))))


class _Names(dict[str, Any]):
    """What names mean in the annotations of a module; anything that has no plain value is Any."""

    def __init__(self, module: Module) -> None:
        self.module = module

    def __missing__(self, name: str) -> Any:
        if name in _BUILTIN:
            return getattr(builtins, name)
        if hasattr(typing, name):
            return getattr(typing, name)
        if name in _OBJECTS:
            return _OBJECTS[name]
        found = look_up(self.module, name)
        if isinstance(found, Module):
            return _Attributes()
        if is_class(found) and found.module.name.startswith("lightning.") and not _is_enum(found):
            return _Object
        return _meaning(found.node, found.module) if isinstance(found, Definition) else Any


class _Attributes:
    """A module in an annotation: `typing.Optional` or `torch.Tensor`."""

    def __getattr__(self, name: str) -> Any:
        return _OBJECTS.get(name) or getattr(typing, name, Any)


def _is_enum(definition: Definition) -> bool:
    """Whether a string may stand for one of a class, as far as is known."""
    bases = [base for one in ancestors(definition) if one for base in one.node.bases]
    return any(last_name(base).endswith("Enum") for base in bases)


def _meaning(annotation: ast.AST | None, module: Module) -> Any:
    match annotation:
        case ast.Constant(str(text)):
            code = text
        case ast.expr() if last_name(annotation) != "NewType":
            code = ast.unparse(annotation)
        case _:
            return Any
    try:
        return eval(code, {"__builtins__": {}}, _Names(module))
    except Exception:  # whatever it is, it is not understood
        return Any


def _fits(value: Any, wanted: Any) -> bool:
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin in (Union, UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if value is ... or (isinstance(value, dict) and "_target_" in value):
        return True
    if origin is Literal:
        return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in arguments)
    name = getattr(origin or wanted, "__name__", "")
    match name, value:
        case (("int" | "float" | "bool"), bool()):
            return name == "bool"  # to Python, true is 1: to whoever writes it, it is none
        case "bool", _:
            return value in (0, 1)
        case "int", _:
            return isinstance(value, int)  # 3.0 is none: range and torch refuse it
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
            return not arguments  # of strings, it would be a list of its characters
        case _, dict() if name in _ITERABLES:
            return name != "Sequence"
    if wanted in (None, NoneType):
        return value is None
    return name not in {*_LISTS, *_ITERABLES, "Callable", "_Object"}


def _names(wanted: Any) -> set[str]:
    """The names of the types of which an annotation allows any."""
    if get_origin(wanted) in (Union, UnionType):
        return {name for argument in get_args(wanted) for name in _names(argument)}
    return {getattr(get_origin(wanted) or wanted, "__name__", "")}


def _literals(wanted: Any) -> list[Any]:
    if get_origin(wanted) is Literal:
        return list(get_args(wanted))
    return [value for argument in get_args(wanted) for value in _literals(argument)]
