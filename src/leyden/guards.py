"""What a constructor itself refuses: its `if ...: raise ...`, worked out from source with the configured values."""

import ast
import builtins
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from .installed import installed_version
from .signature import Signature, is_super_init
from .source import stored_names

# Calls without side effects.
_SAFE = {name: getattr(builtins, name) for name in ("abs", "all", "any", "bool", "float", "int", "isinstance", "len")}
_SAFE |= {
    name: getattr(builtins, name) for name in ("list", "max", "min", "repr", "set", "sorted", "str", "sum", "tuple")
}
_SAFE["installed_version"] = installed_version


class _UnknownError(Exception):
    """A value that only running the program would tell."""


def refusals(signature: Signature, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a call with these plain values certainly raises: the argument at fault and the exception's message.

    The constructors of base classes are followed. An argument that is `...` has a value that is not known yet.
    """
    scope = dict(arguments)
    for name, parameter in signature.parameters.items():
        if name not in arguments and parameter.default:
            with suppress(ValueError, TypeError):
                scope[name] = ast.literal_eval(parameter.default)
    yield from _run(signature.node.body, signature, {name: value for name, value in scope.items() if value is not ...})


def _run(body: list[ast.stmt], signature: Signature, scope: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Follows the lines that certainly run."""
    for statement in body:
        match statement:
            case ast.If(test, inner, otherwise):
                try:
                    branch = inner if _value(test, scope) else otherwise
                except _UnknownError:
                    branch = []
                    if any(isinstance(node, ast.Return) for node in ast.walk(statement)):
                        return
                if branch and isinstance(branch[0], ast.Raise):
                    yield _refusal(branch[0], test, scope)
                else:
                    yield from _run(branch, signature, scope)
            case ast.Expr(ast.Call(function) as call) if is_super_init(function):
                yield from _of_base(call, signature, scope)
            case ast.Return() | ast.Raise():
                return
        for name in stored_names(statement):
            scope.pop(name, None)


def _of_base(call: ast.Call, signature: Signature, scope: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the base class refuses of the arguments that are handed up."""
    if not (base := signature.find_base()) or any(isinstance(argument, ast.Starred) for argument in call.args):
        return
    own = {one.arg for one in (*signature.node.args.args, *signature.node.args.kwonlyargs)}
    handed: dict[str, Any] = {}
    positional = [one.arg for one in base.node.args.args if one.arg in base.parameters]
    named = [*zip(positional, call.args, strict=False), *((one.arg, one.value) for one in call.keywords)]
    for name, expression in named:
        if not name:  # **kwargs
            through = base.parameters.keys() - own - {one for one, _ in named}
            handed |= {one: scope[one] for one in through & scope.keys()}
            continue
        try:
            handed[name] = _value(expression, scope)
        except _UnknownError:
            handed[name] = ...
    yield from refusals(base, handed)


def _refusal(statement: ast.Raise, test: ast.expr, scope: dict[str, Any]) -> tuple[str, str]:
    name = next((node.id for node in ast.walk(test) if isinstance(node, ast.Name) and node.id in scope), "")
    match statement.exc:
        case ast.Call(_, [message, *_]):
            with suppress(_UnknownError):
                return name, str(_value(message, scope))
    return name, f"refused by its check `{ast.unparse(test)}`"


def _value(node: ast.expr, scope: Mapping[str, Any]) -> Any:
    try:
        return eval(ast.unparse(node), {"__builtins__": _SAFE, **scope})
    except Exception:  # a name, a call or an operation of which nothing is known
        raise _UnknownError from None
