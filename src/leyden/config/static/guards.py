"""Evaluate the guard clauses (`if ...: raise ...`) of constructors from source, with the configured values."""

import ast
import builtins
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from functools import cache
from types import CodeType
from typing import Any

from ...errors import hint
from ...io import installed_version
from .signature import Signature, called_in, is_super_init, signature
from .source import Module, NameMissingError, load, stored_names

# Calls without side effects.
_SAFE = {name: getattr(builtins, name) for name in ("abs", "all", "any", "bool", "float", "int", "isinstance", "len")}
_SAFE |= {
    name: getattr(builtins, name) for name in ("list", "max", "min", "repr", "set", "sorted", "str", "sum", "tuple")
}
_SAFE |= {"hint": hint, "installed_version": installed_version}

# Expressions whose parts do not always run.
_CONDITIONAL = (
    ast.Lambda,
    ast.IfExp,
    ast.BoolOp,
    ast.comprehension,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)

MAX_CALL_DEPTH = 6


class _UnknownError(Exception):
    """A value cannot be determined without running the program."""


class _Scope(dict[str, Any]):
    """Values of arguments and local variables; `arguments` maps a variable to the argument it was computed from."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__({name: value for name, value in values.items() if value is not ...})
        self.arguments: dict[str, str] = {}

    def argument(self, expression: ast.AST) -> str:
        """Return the first argument that an expression depends on; empty if there is none."""
        names = (node.id for node in ast.walk(expression) if isinstance(node, ast.Name) and node.id in self)
        return next((self.arguments.get(name, name) for name in names), "")

    def renamed(self, name: str, variable: str) -> "_Scope":
        """Return a copy in which `variable` has the value of `name`."""
        scope = _Scope({**self, variable: self[name]})
        scope.arguments = self.arguments | {variable: self.argument(ast.Name(name))}
        return scope

    def assign(self, statement: ast.stmt) -> None:
        """Evaluate an assignment, or forget the variables that the statement sets."""
        match statement:
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(ast.Name(name), value=value) if value:
                argument = self.argument(value)
                with suppress(_UnknownError):
                    self[name] = _value(value, self)
                    self.arguments[name] = argument
                    return
            case ast.Expr(ast.Call()) | ast.Assign([ast.Attribute()]):
                return
        for name in stored_names(statement):
            self.pop(name, None)


def constructor_errors(signature: Signature, arguments: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the errors that a call with these plain values definitely raises: the argument and the message.

    Constructors of base classes and functions of the same package are followed. An argument that is `...` has a value
    that is not known yet.
    """
    scope = signature.defaults() | dict(arguments)
    for callee in filter(None, (_library_guard(signature), signature)):
        yield from _run(callee.node.body, callee, _Scope(scope), depth)


@cache
def _library_guard(callee: Signature) -> Signature | None:
    """Return the guards in library_guards.py for a constructor."""
    guards = load(f"{__package__}.library_guards")
    for node in guards.names.get(callee.name, []) if guards else []:
        with suppress(NameMissingError):
            guarded = signature(ast.get_docstring(node) or "") if isinstance(node, ast.ClassDef) else None
            if guarded and guarded.node is callee.node:
                return signature(f"{__package__}.library_guards.{callee.name}")
    return None


def _run(
    body: list[ast.stmt], signature: Signature, scope: _Scope, depth: int
) -> Generator[tuple[str, str], None, bool]:
    """Evaluate the statements that definitely run and return whether they definitely leave the function."""
    for statement in body:
        match statement:
            case ast.If(test, inner, otherwise):
                try:
                    branch = inner if _value(test, scope) else otherwise
                except _UnknownError:
                    if any(isinstance(node, ast.Return) for node in ast.walk(statement)):
                        return True  # possibly
                    scope.assign(statement)
                    continue
                if branch and isinstance(branch[0], ast.Raise):
                    yield _error(branch[0], test, scope)
                elif (yield from _run(branch, signature, scope, depth)):
                    return True
            case ast.For(ast.Name(variable), ast.Tuple(elements), inner):  # a guard for several arguments
                for name in (node.id for node in elements if isinstance(node, ast.Name) and node.id in scope):
                    yield from _run(inner, signature, scope.renamed(name, variable), depth)
                scope.assign(statement)
            case ast.Return() | ast.Raise():
                return True
            case ast.Assign() | ast.AnnAssign() | ast.Expr():
                for call in _calls(statement):
                    yield from _call_errors(call, signature, scope, depth)
                scope.assign(statement)
            case _:
                scope.assign(statement)
    return False


@cache
def _calls(node: ast.AST) -> list[ast.Call]:
    """Return the calls in a statement that definitely run."""
    if isinstance(node, _CONDITIONAL):
        return []
    inner = [call for part in ast.iter_child_nodes(node) for call in _calls(part)]
    return [node, *inner] if isinstance(node, ast.Call) else inner


@cache
def _is_generator(function: ast.FunctionDef) -> bool:
    """Whether calling the function does not run its body."""
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function))


@cache
def _compiled(node: ast.expr) -> CodeType:
    return compile(ast.Expression(node), "", "eval")


def _call_errors(call: ast.Call, signature: Signature, scope: _Scope, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the errors raised by a base class or a function of the same package for the arguments passed to it."""
    is_followed = is_super_init(call.func) or _is_own(signature.function.module, call.func)
    callee = called_in(signature, call) if is_followed and depth < MAX_CALL_DEPTH else None
    if not callee or _is_generator(callee.node) or any(isinstance(argument, ast.Starred) for argument in call.args):
        return
    passed: dict[str, Any] = {}
    arguments: dict[str, str] = {}
    positional = [argument.arg for argument in callee.node.args.args if argument.arg in callee.parameters]
    for name, expression in _named(call, positional):
        arguments[name] = scope.argument(expression)
        try:
            passed[name] = _value(expression, scope)
        except _UnknownError:
            passed[name] = ...
    if any(not keyword.arg for keyword in call.keywords):  # **kwargs
        own = {argument.arg for argument in (*signature.node.args.args, *signature.node.args.kwonlyargs)}
        forwarded = callee.parameters.keys() - own - passed.keys()
        passed |= {name: scope[name] for name in forwarded & scope.keys()}
    for name, message in constructor_errors(callee, passed, depth + 1):
        yield arguments.get(name, name), message


def _is_own(module: Module, function: ast.expr) -> bool:
    """Whether a function belongs to the calling package or to this one, not to another library."""
    package = module.name.partition(".")[0]
    is_installed = not module.path or "site-packages" in module.path.parts
    if package != "leyden" and is_installed:
        return False
    match module.names.get(ast.unparse(function).partition(".")[0]):
        case [ast.ImportFrom(origin, level=level)]:
            return bool(level) or (origin or "").partition(".")[0] in {package, "leyden"}
        case [ast.FunctionDef() | ast.ClassDef()]:
            return True
    return False


def _named(call: ast.Call, positional: list[str]) -> Iterator[tuple[str, ast.expr]]:
    yield from zip(positional, call.args, strict=False)
    yield from ((keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg)


def _error(statement: ast.Raise, test: ast.expr, scope: _Scope) -> tuple[str, str]:
    name = scope.argument(test)
    match statement.exc:
        case ast.Call(_, [message, *_]):
            with suppress(_UnknownError):
                return name, str(_value(message, scope))
    return name, f"refused by the check `{ast.unparse(test)}`"


def _value(node: ast.expr, scope: Mapping[str, Any]) -> Any:
    try:
        return eval(_compiled(node), {"__builtins__": _SAFE, **scope})
    except Exception:  # an unknown name, call or operation
        raise _UnknownError from None
