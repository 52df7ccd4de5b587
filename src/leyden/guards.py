"""What a constructor itself refuses: its `if ...: raise ...`, worked out from source with the configured values."""

import ast
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .forwarding import is_super_init
from .lineage import last_name
from .signature import Signature
from .source import Definition, Module, NameMissingError, look_up

_OPERATORS: dict[type, Any] = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
_OPERATORS |= {ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod}
_OPERATORS |= {ast.USub: operator.neg, ast.Not: operator.not_, ast.Is: operator.is_, ast.IsNot: operator.is_not}
_OPERATORS |= {ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le}
_OPERATORS |= {ast.Gt: operator.gt, ast.GtE: operator.ge}
_OPERATORS |= {ast.In: lambda item, group: item in group, ast.NotIn: lambda item, group: item not in group}
_SCALARS = {"int": int, "float": float, "str": str, "bool": bool}
_UNKNOWN = object()


class _UnknownError(Exception):
    """A value that only running the program would tell."""


@dataclass(frozen=True)
class Refusal:
    """The message of the exception, and the names that its condition reads."""

    message: str
    names: tuple[str, ...]


def refusals(signature: Signature, arguments: Mapping[str, Any]) -> list[Refusal]:
    """What a call with these plain values certainly raises.

    Args:
        signature: of a class or function; the constructors of its base classes are followed.
        arguments: plain values; `...` stands for objects and for what is not known yet.
    """
    if not signature.function or not isinstance(signature.function.node, ast.FunctionDef):
        return []
    scope = _Scope(signature, arguments)
    return list(_run(signature.function.node.body, scope))


class _Scope(dict[str, Any]):
    """Names of a function with their values; names of the module where they are constants."""

    def __init__(self, signature: Signature, arguments: Mapping[str, Any]) -> None:
        assert signature.function
        self.signature, self.arguments, self.ended = signature, arguments, False
        self.module: Module = signature.function.module
        self.is_post_init = signature.function.node.name == "__post_init__"
        nodes = list(ast.walk(signature.function.node))
        self.own = {node.arg for node in nodes if isinstance(node, ast.arg)}
        local = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        self.update(dict.fromkeys(self.own | local, _UNKNOWN))
        for name, parameter in signature.parameters.items():
            value = arguments.get(name, _UNKNOWN)
            if name not in arguments and parameter.default is not None:
                value = _value_or_unknown(parameter.default, {})
            self[name] = _UNKNOWN if value is ... else value

    def __missing__(self, name: str) -> Any:
        try:
            found = look_up(self.module, name)
        except NameMissingError:
            found = None
        if isinstance(found, Definition) and isinstance(found.node, ast.expr):
            return _value(found.node, {})
        raise _UnknownError

    def forget(self, statement: ast.AST) -> None:
        """Drops what a statement may have changed: names that it sets, lists and dicts that it mentions."""
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id in self:
                is_set = isinstance(node.ctx, ast.Store)
                self[node.id] = _UNKNOWN if is_set or isinstance(self[node.id], list | dict) else self[node.id]


def _run(body: list[ast.stmt], scope: _Scope) -> Iterator[Refusal]:
    """Follows the lines that certainly run."""
    for statement in body:
        if scope.ended:
            return
        match statement:
            case ast.If(test, inner, otherwise):
                try:
                    branch = inner if _value(test, scope) else otherwise
                except _UnknownError:
                    scope.forget(statement)
                    scope.ended = any(isinstance(node, ast.Return) for node in ast.walk(statement))
                    continue
                if branch and isinstance(branch[0], ast.Raise):
                    yield _refusal(branch[0], test, scope)
                else:
                    yield from _run(branch, scope)
            case ast.Assign([ast.Name(name)], value):
                scope.forget(value)
                result = _value_or_unknown(value, scope)
                scope[name] = _UNKNOWN if isinstance(result, list | dict | set) else result
            case ast.Expr(ast.Call(function) as call) if is_super_init(function):
                yield from _of_base(call, scope)
            case ast.Return() | ast.Raise():
                scope.ended = True
            case _:
                scope.forget(statement)
                compound = isinstance(statement, ast.With | ast.For | ast.While | ast.Try)
                scope.ended = compound and any(isinstance(node, ast.Return) for node in ast.walk(statement))


def _of_base(call: ast.Call, scope: _Scope) -> Iterator[Refusal]:
    """What the base class refuses of the arguments that are handed up."""
    by_name = {keyword.arg: _value_or_unknown(keyword.value, scope) for keyword in call.keywords if keyword.arg}
    if len(by_name) < len(call.keywords):  # **kwargs
        by_name |= {name: value for name, value in scope.arguments.items() if name not in scope.own}
    by_position = [_value_or_unknown(argument, scope) for argument in call.args]
    if all(value is _UNKNOWN or value is ... for value in (*by_name.values(), *by_position)):
        return
    if base := scope.signature.base:
        given = by_name | dict(zip(base.positional, by_position, strict=False))
        yield from refusals(base, {name: ... if value is _UNKNOWN else value for name, value in given.items()})


def _refusal(statement: ast.Raise, test: ast.expr, scope: _Scope) -> Refusal:
    names = tuple(dict.fromkeys(name for node in ast.walk(test) if (name := _read_name(node))))
    match statement.exc:
        case ast.Call(_, [message, *_]):
            text = _value_or_unknown(message, scope)
        case _:
            text = _UNKNOWN
    return Refusal(text if isinstance(text, str) else f"refused by its check `{ast.unparse(test)}`", names)


def _read_name(node: ast.AST) -> str:
    match node:
        case ast.Name(name) | ast.Attribute(ast.Name("self"), name):
            return name
    return ""


def _value_or_unknown(node: ast.expr, scope: Mapping[str, Any]) -> Any:
    try:
        return _value(node, scope)
    except _UnknownError:
        return _UNKNOWN


def _value(node: ast.expr, scope: Mapping[str, Any]) -> Any:
    """The value of an expression made of constants, names, operators and few harmless calls."""
    try:
        return _evaluate(node, scope)
    except (TypeError, ValueError, KeyError, IndexError, ArithmeticError):
        raise _UnknownError from None


def _evaluate(node: ast.expr, scope: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return _known(scope[name])
        case ast.Attribute(ast.Name("self"), name) if isinstance(scope, _Scope) and scope.is_post_init:
            return _known(scope[name])
        case ast.Tuple(items) | ast.List(items) | ast.Set(items):
            return [_evaluate(item, scope) for item in items]
        case ast.UnaryOp(operation, operand):
            return _OPERATORS[type(operation)](_evaluate(operand, scope))
        case ast.BinOp(left, operation, right):
            return _OPERATORS[type(operation)](_evaluate(left, scope), _evaluate(right, scope))
        case ast.BoolOp(operation, operands):
            return _both_or_either([_value_or_unknown(operand, scope) for operand in operands], operation)
        case ast.Compare(first, operations, others):
            values = [_evaluate(item, scope) for item in (first, *others)]
            pairs = zip(operations, values[:-1], values[1:], strict=True)
            return all(_OPERATORS[type(operation)](left, right) for operation, left, right in pairs)
        case ast.IfExp(test, then, otherwise):
            return _evaluate(then if _evaluate(test, scope) else otherwise, scope)
        case ast.Subscript(group, place):
            return _evaluate(group, scope)[_evaluate(place, scope)]
        case ast.Call(ast.Name("len"), [group]):
            return len(_evaluate(group, scope))
        case ast.Call(ast.Name("isinstance"), [item, kinds]):
            return _is_instance(_evaluate(item, scope), kinds)
        case ast.JoinedStr(parts):
            return "".join(str(_evaluate(part, scope)) for part in parts)
        case ast.FormattedValue(inner, conversion, form):
            value = _evaluate(inner, scope)
            value = {115: str, 114: repr, 97: ascii}.get(conversion, lambda item: item)(value)
            return format(value, _evaluate(form, scope) if form else "")
    raise _UnknownError


def _known(value: Any) -> Any:
    if value is _UNKNOWN:
        raise _UnknownError
    return value


def _both_or_either(values: list[Any], operation: ast.boolop) -> Any:
    """`and` and `or` where some operands are unknown: one certain operand may decide."""
    decides = operator.not_ if isinstance(operation, ast.And) else bool
    for value in values:
        if value is not _UNKNOWN and decides(value):
            return value
    return _known(next((value for value in values if value is _UNKNOWN), values[-1]))


def _is_instance(value: Any, kinds: ast.expr) -> bool:
    names = [last_name(kind) for kind in (kinds.elts if isinstance(kinds, ast.Tuple) else [kinds])]
    if not isinstance(value, int | float | str) or not set(names) <= set(_SCALARS):
        raise _UnknownError
    return isinstance(value, tuple(_SCALARS[name] for name in names))
