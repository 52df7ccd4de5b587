"""Signatures read from source: what a class or function may be called with, by name."""

import ast
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeGuard

from .source import Definition, Module, bindings, find, last_name, resolve, stored_names, texts

# Bases without arguments of their own, and decorators that keep the arguments of what they decorate.
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
    """What a call may give by name; `is_open` says that names that are not among `parameters` are accepted, too.

    `function` is what runs first; `find_base` finds what its `super().__init__` calls.
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
        """The arguments' defaults, as far as they are plain values."""
        plain = {}
        for name, parameter in self.parameters.items():
            with suppress(ValueError, TypeError):
                plain |= {name: ast.literal_eval(parameter.default)} if parameter.default else {}
        return plain


@cache
def signature(dotted: str) -> Signature | None:
    """The signature of a class or function; None where source does not tell.

    Raises:
        NameMissingError: there certainly is no such class or function.
    """
    found = find(dotted)
    return _of(found) if isinstance(found, Definition) else None


def ancestors(definition: Definition) -> Iterator[Definition | None]:
    """The class and its bases in the order of method resolution, read one by one; None for one that cannot be read."""
    yield definition
    bases = [resolve(definition.module, base) for base in definition.node.bases if last_name(base) not in _PLAIN_BASES]
    lines = [ancestors(base) if is_class(base) else iter([None]) for base in bases if base != definition]
    if len(lines) == 1:
        yield from lines[0]
    else:  # a class that several bases share comes after all of them
        order = [one for line in lines for one in line]
        yield from (one for place, one in enumerate(order) if one is None or one not in order[place + 1 :])


def is_class(found: Module | Definition | None) -> TypeGuard[Definition]:
    return isinstance(found, Definition) and isinstance(found.node, ast.ClassDef)


def _of(definition: Definition) -> Signature | None:
    match definition.node:
        case ast.ClassDef(name):
            return _constructor(name, ancestors(definition))
        case ast.FunctionDef(name):
            return _of_function(name, definition, lambda: None)
    return None


def _constructor(name: str, classes: Iterator[Definition | None]) -> Signature | None:
    """The signature of calling the first of these classes, the others being its bases in order."""
    for one in classes:
        if not one or not _is_plain_class(one):
            return None
        members = bindings(one.node.body)
        match [*members.get("__init__", []), *members.get("__new__", [])]:
            case [ast.FunctionDef() as function]:
                base = cache(lambda: _constructor(name, classes))
                found = _of_function(name, Definition(one.module, function), base)
                return found and _without_first(found)
            case [_, *_]:
                return None
    return None


def _is_plain_class(definition: Definition) -> bool:
    """Whether calling the class does no more than run its `__init__` or `__new__`."""
    metaclasses = {last_name(keyword.value) for keyword in definition.node.keywords if keyword.arg == "metaclass"}
    decorators = {last_name(decorator) for decorator in definition.node.decorator_list}
    is_tuple = "NamedTuple" in map(last_name, definition.node.bases)
    return metaclasses <= {"ABCMeta"} and decorators <= _PLAIN_DECORATORS and not is_tuple


def _without_first(found: Signature) -> Signature:
    own = [*found.node.args.posonlyargs, *found.node.args.args]
    return replace(found, parameters={name: one for name, one in found.parameters.items() if name != own[0].arg})


def _of_function(name: str, definition: Definition, find_base: Callable[[], Signature | None]) -> Signature | None:
    node, module = definition.node, definition.module
    if node.args.posonlyargs or not all(_is_plain(module, decorator) for decorator in node.decorator_list):
        return None
    given, by_name = node.args.args, node.args.kwonlyargs
    defaults = [*[None] * (len(given) - len(node.args.defaults)), *node.args.defaults, *node.args.kw_defaults]
    pairs = zip([*given, *by_name], defaults, strict=True)
    parameters = {one.arg: Parameter(module, one.annotation, default, default is None) for one, default in pairs}
    read = Signature(name, parameters, node.args.kwarg is not None, definition, find_base)
    return _with_keywords(read, node.args.kwarg.arg) if node.args.kwarg else read


def _is_plain(module: Module, decorator: ast.expr) -> bool:
    """Whether a decorator hands back the function, or a wrapper with the same arguments."""
    if last_name(decorator) in _PLAIN_DECORATORS:
        return True
    found = resolve(module, decorator.func if isinstance(decorator, ast.Call) else decorator)
    for function in ast.walk(found.node) if isinstance(found, Definition) else ():
        match function:
            case ast.FunctionDef(decorator_list=decorators) if "wraps" in map(last_name, decorators):
                return True
            case ast.FunctionDef(args=ast.arguments(args=[ast.arg(first)]), body=[*_, ast.Return(ast.Name(last))]):
                if first == last:
                    return True
    return False


def _with_keywords(read: Signature, kwargs: str) -> Signature:
    """Adds the arguments that come through `**kwargs`: those named in the body and those of the call they go to.

    What is only named, or not used at all, vanishes: other names have no effect, so they are not accepted.
    """
    named, calls = _uses(read.node, kwargs)
    optional = Parameter(read.function.module, is_required=False)
    parameters = read.parameters | dict.fromkeys(named - read.parameters.keys(), optional)
    callees = [(call, called_in(read, call)) for call in calls or ()]
    for call, callee in callees:
        if callee:
            bound = _bound(call, callee) | parameters.keys()
            for name, one in callee.parameters.items():
                if name not in bound:
                    parameters[name] = replace(one, is_required=one.is_required and _is_certain(call, read.node))
    # With `*args` beside it, a function that uses nothing is meant to take whatever it is given, as nn.Identity is.
    is_open = calls is None or (not calls and read.node.args.vararg is not None)
    is_open = is_open or any(not callee or callee.is_open for _, callee in callees)
    return replace(read, parameters=parameters, is_open=is_open)


def _bound(call: ast.Call, callee: Signature) -> set[str | None]:
    """The arguments that a call gives itself."""
    own = [one.arg for one in callee.node.args.args if one.arg in callee.parameters]
    by_position = [argument for argument in call.args if not isinstance(argument, ast.Starred)]
    return {*own[: len(by_position)], *(keyword.arg for keyword in call.keywords)}


def _is_certain(call: ast.Call, function: ast.FunctionDef) -> bool:
    """Whether the call is in a line that certainly runs: only that makes an argument necessary."""
    lines = [line for line in function.body if isinstance(line, ast.Expr | ast.Assign | ast.Return)]
    return any(call in ast.walk(line) for line in lines)


def _uses(function: ast.FunctionDef, kwargs: str) -> tuple[set[str], list[ast.Call] | None]:
    """The names that a function takes out of its `**kwargs`, and the calls that get them; None where not all is understood."""
    # A decorator may rename old arguments: the names that it is told are accepted, too.
    named = {text for decorator in function.decorator_list for text in texts(decorator)}
    calls, num_understood = [], 0
    for node in ast.walk(function):
        match node:
            case (
                ast.Call(ast.Attribute(ast.Name(use), "pop" | "get" | "setdefault"), [ast.Constant(str(key)), *_])
                | ast.Subscript(ast.Name(use), ast.Constant(str(key)))
                | ast.Compare(ast.Constant(str(key)), [ast.In() | ast.NotIn()], [ast.Name(use)])
                | ast.Call(_, [ast.Name(use), ast.Constant(str(key)), *_])  # a helper for one argument
            ) if use == kwargs:
                named.add(key)
                num_understood += 1
            case ast.Call(keywords=[*_, ast.keyword(None, ast.Name(use))]) if use == kwargs:
                calls.append(node)
                num_understood += 1
            case ast.Assign([ast.Name(use)], ast.Dict([*_, None], [*_, ast.Name(again)])) | ast.AnnAssign(
                ast.Name(use), value=ast.Dict([*_, None], [*_, ast.Name(again)])
            ) if use == again == kwargs:
                num_understood += 2  # defaults below it
            case ast.If(ast.Name(use), [*_, ast.Raise()]) if use == kwargs:
                num_understood += _count(node, kwargs)  # what is left over is refused
            case ast.Name("locals" | "vars" | "eval") | ast.Attribute(attr="save_hyperparameters" | "currentframe"):
                return named, None
    return named, calls if num_understood == _count(function, kwargs) else None


def _count(node: ast.AST, name: str) -> int:
    return sum(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))


def is_super_init(function: ast.expr) -> bool:
    match function:
        case ast.Attribute(ast.Call(ast.Name("super")), "__init__"):
            return True
    return False


@cache
def called_in(read: Signature, call: ast.Call) -> Signature | None:
    """The signature of what a call in the body of a function calls; None where source does not tell."""
    if is_super_init(call.func):
        return read.find_base()
    first = ast.unparse(call.func).partition(".")[0]
    if first in {*stored_names(read.node), *read.parameters, "self", "cls"}:
        return None
    found = resolve(read.function.module, call.func)
    if isinstance(call.func, ast.Attribute) and is_class(owner := resolve(read.function.module, call.func.value)):
        return _of_class_method(owner, call.func.attr)
    return _of(found) if isinstance(found, Definition) else None


def _of_class_method(owner: Definition, name: str) -> Signature | None:
    match bindings(owner.node.body).get(name):
        case [ast.FunctionDef(decorator_list=[ast.Name("classmethod")]) as function]:
            found = _of_function(name, Definition(owner.module, function), lambda: None)
            return found and _without_first(found)
    return None
