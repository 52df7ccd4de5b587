"""Signatures of classes and functions, read from source."""

import ast
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeGuard

from .source import Definition, Module, bindings, find, last_name, resolve, stored_names, texts

# Bases without arguments of their own, and decorators that keep the signature.
_PLAIN_BASES = {"object", "ABC", "Generic", "Protocol"}
_PLAIN_DECORATORS = {
    "abstractmethod",
    "cache",
    "classmethod",
    "deprecated",
    "final",
    "inference_mode",
    "lru_cache",
    "no_grad",
}
_PLAIN_DECORATORS |= {"override", "runtime_checkable", "total_ordering"}


@dataclass(frozen=True)
class Parameter:
    """One argument; its annotation and default are expressions of `module`."""

    module: Module
    annotation: ast.expr | None = None
    default: ast.expr | None = None
    is_required: bool = True


@dataclass(frozen=True, eq=False)
class Signature:
    """The keyword arguments that a call accepts: `parameters` and, if `is_open`, any other name.

    `function` runs first; `find_base` returns the signature of its `super().__init__`.
    """

    name: str
    parameters: dict[str, Parameter]
    is_open: bool
    function: Definition
    find_base: "Callable[[], Signature | None]"

    @property
    def node(self) -> ast.FunctionDef:
        return self.function.node

    def defaults(self) -> dict[str, Any]:
        """Return the defaults that are plain values."""
        plain = {}
        for name, parameter in self.parameters.items():
            with suppress(ValueError, TypeError):
                plain |= {name: ast.literal_eval(parameter.default)} if parameter.default else {}
        return plain


@cache
def signature(dotted: str) -> Signature | None:
    """Return the signature of a class or function, or None if it cannot be determined from source.

    Raises:
        NameMissingError: The class or function definitely does not exist.
    """
    definition = find(dotted)
    return _signature(definition) if isinstance(definition, Definition) else None


def ancestors(definition: Definition) -> Iterator[Definition | None]:
    """Yield the class and its bases in method resolution order; None for a base that cannot be read."""
    yield definition
    bases = [resolve(definition.module, base) for base in definition.node.bases if last_name(base) not in _PLAIN_BASES]
    lines = [ancestors(base) if is_class(base) else iter([None]) for base in bases if base != definition]
    if len(lines) == 1:
        yield from lines[0]
    else:  # a shared base comes after all classes that derive from it
        order = [base for line in lines for base in line]
        yield from (base for index, base in enumerate(order) if base is None or base not in order[index + 1 :])


def is_class(definition: Module | Definition | None) -> TypeGuard[Definition]:
    return isinstance(definition, Definition) and isinstance(definition.node, ast.ClassDef)


def _signature(definition: Definition) -> Signature | None:
    match definition.node:
        case ast.ClassDef(name):
            return _constructor(name, ancestors(definition))
        case ast.FunctionDef(name):
            return _function(name, definition, lambda: None)
    return None


def _constructor(name: str, classes: Iterator[Definition | None]) -> Signature | None:
    """Return the signature of the constructor of the first class; the others are its bases in order."""
    for cls in classes:
        if not cls or not _is_plain_class(cls):
            return None
        members = bindings(cls.node.body)
        match [*members.get("__init__", []), *members.get("__new__", [])]:
            case [ast.FunctionDef() as function]:
                base = cache(lambda: _constructor(name, classes))
                constructor = _function(name, Definition(cls.module, function), base)
                return constructor and _without_self(constructor)
            case [_, *_]:
                return None
    return None


def _is_plain_class(definition: Definition) -> bool:
    """Whether calling the class only runs its `__init__` or `__new__`."""
    metaclasses = {last_name(keyword.value) for keyword in definition.node.keywords if keyword.arg == "metaclass"}
    decorators = {last_name(decorator) for decorator in definition.node.decorator_list}
    is_tuple = "NamedTuple" in map(last_name, definition.node.bases)
    return metaclasses <= {"ABCMeta"} and decorators <= _PLAIN_DECORATORS and not is_tuple


def _without_self(method: Signature) -> Signature:
    first = [*method.node.args.posonlyargs, *method.node.args.args][0].arg
    return replace(method, parameters={name: item for name, item in method.parameters.items() if name != first})


def _function(name: str, definition: Definition, find_base: Callable[[], Signature | None]) -> Signature | None:
    node, module = definition.node, definition.module
    if node.args.posonlyargs or not all(_is_plain(module, decorator) for decorator in node.decorator_list):
        return None
    args, kwonly = node.args.args, node.args.kwonlyargs
    defaults = [*[None] * (len(args) - len(node.args.defaults)), *node.args.defaults, *node.args.kw_defaults]
    pairs = zip([*args, *kwonly], defaults, strict=True)
    parameters = {arg.arg: Parameter(module, arg.annotation, default, default is None) for arg, default in pairs}
    function = Signature(name, parameters, node.args.kwarg is not None, definition, find_base)
    return _with_kwargs(function, node.args.kwarg.arg) if node.args.kwarg else function


def _is_plain(module: Module, decorator: ast.expr) -> bool:
    """Whether a decorator returns the function, or a wrapper with the same arguments."""
    if last_name(decorator) in _PLAIN_DECORATORS:
        return True
    definition = resolve(module, decorator.func if isinstance(decorator, ast.Call) else decorator)
    for function in ast.walk(definition.node) if isinstance(definition, Definition) else ():
        match function:
            case ast.FunctionDef(decorator_list=decorators) if "wraps" in map(last_name, decorators):
                return True
            case ast.FunctionDef(args=ast.arguments(args=[ast.arg(first)]), body=[*_, ast.Return(ast.Name(last))]):
                if first == last:
                    return True
    return False


def _with_kwargs(function: Signature, kwargs: str) -> Signature:
    """Add the arguments accepted through `**kwargs`: those named in the body and those of the calls they are passed to.

    Names that would be ignored are not accepted.
    """
    named, calls = _uses(function.node, kwargs)
    optional = Parameter(function.function.module, is_required=False)
    parameters = function.parameters | dict.fromkeys(named - function.parameters.keys(), optional)
    callees = [(call, called_in(function, call)) for call in calls or ()]
    for call, callee in callees:
        if callee:
            bound = _bound(call, callee) | parameters.keys()
            for name, item in callee.parameters.items():
                if name not in bound:
                    parameters[name] = replace(item, is_required=item.is_required and _always_runs(call, function.node))
    # A function with `*args` that uses neither accepts any argument, as nn.Identity does.
    is_open = calls is None or (not calls and function.node.args.vararg is not None)
    is_open = is_open or any(not callee or callee.is_open for _, callee in callees)
    return replace(function, parameters=parameters, is_open=is_open)


def _bound(call: ast.Call, callee: Signature) -> set[str | None]:
    """Return the arguments that a call passes explicitly."""
    own = [argument.arg for argument in callee.node.args.args if argument.arg in callee.parameters]
    by_position = [argument for argument in call.args if not isinstance(argument, ast.Starred)]
    return {*own[: len(by_position)], *(keyword.arg for keyword in call.keywords)}


def _always_runs(call: ast.Call, function: ast.FunctionDef) -> bool:
    """Whether the call is in a statement that always runs: only that makes an argument required."""
    lines = [line for line in function.body if isinstance(line, ast.Expr | ast.Assign | ast.Return)]
    return any(call in ast.walk(line) for line in lines)


def _uses(function: ast.FunctionDef, kwargs: str) -> tuple[set[str], list[ast.Call] | None]:
    """Return the names that a function reads from `**kwargs`, and the calls it passes them to; None if unsupported."""
    # A decorator may rename old arguments: the names passed to it are accepted, too.
    named = {text for decorator in function.decorator_list for text in texts(decorator)}
    calls, num_supported = [], 0
    for node in ast.walk(function):
        match node:
            case (
                ast.Call(ast.Attribute(ast.Name(use), "pop" | "get" | "setdefault"), [ast.Constant(str(key)), *_])
                | ast.Subscript(ast.Name(use), ast.Constant(str(key)))
                | ast.Compare(ast.Constant(str(key)), [ast.In() | ast.NotIn()], [ast.Name(use)])
                | ast.Call(_, [ast.Name(use), ast.Constant(str(key)), *_])  # a helper that reads one argument
            ) if use == kwargs:
                named.add(key)
                num_supported += 1
            case ast.Call(keywords=[*_, ast.keyword(None, ast.Name(use))]) if use == kwargs:
                calls.append(node)
                num_supported += 1
            case ast.Assign([ast.Name(use)], ast.Dict([*_, None], [*_, ast.Name(again)])) | ast.AnnAssign(
                ast.Name(use), value=ast.Dict([*_, None], [*_, ast.Name(again)])
            ) if use == again == kwargs:
                num_supported += 2  # merged with defaults
            case ast.If(ast.Name(use), [*_, ast.Raise()]) if use == kwargs:
                num_supported += _count(node, kwargs)  # remaining arguments are refused
            case ast.Name("locals" | "vars" | "eval") | ast.Attribute(attr="save_hyperparameters" | "currentframe"):
                return named, None
    return named, calls if num_supported == _count(function, kwargs) else None


def _count(node: ast.AST, name: str) -> int:
    return sum(isinstance(child, ast.Name) and child.id == name for child in ast.walk(node))


def is_super_init(function: ast.expr) -> bool:
    match function:
        case ast.Attribute(ast.Call(ast.Name("super")), "__init__"):
            return True
    return False


@cache
def called_in(caller: Signature, call: ast.Call) -> Signature | None:
    """Return the signature of the callee of a call in a function, or None if it cannot be determined from source."""
    if is_super_init(call.func):
        return caller.find_base()
    first = ast.unparse(call.func).partition(".")[0]
    if first in {*stored_names(caller.node), *caller.parameters, "self", "cls"}:
        return None
    definition = resolve(caller.function.module, call.func)
    if isinstance(call.func, ast.Attribute) and is_class(owner := resolve(caller.function.module, call.func.value)):
        return _class_method(owner, call.func.attr)
    return _signature(definition) if isinstance(definition, Definition) else None


def _class_method(owner: Definition, name: str) -> Signature | None:
    match bindings(owner.node.body).get(name):
        case [ast.FunctionDef(decorator_list=[ast.Name("classmethod")]) as function]:
            method = _function(name, Definition(owner.module, function), lambda: None)
            return method and _without_self(method)
    return None
