"""Signatures read from source: what a class or function may be called with, by name."""

import ast
from dataclasses import dataclass, replace
from functools import cache

from .forwarding import Forwarding, bound_names, is_name, is_super_init
from .lineage import Lineage, last_name, lineage
from .source import Definition, Module, find, namespace, resolve

# Decorators that keep the arguments of what they decorate, besides those whose source says so.
_PLAIN_DECORATORS = {"abstractmethod", "cache", "dataclass", "deprecated", "final", "inference_mode", "lru_cache"}
_PLAIN_DECORATORS |= {"no_grad", "override", "runtime_checkable", "total_ordering"}
_PLAIN_OPTIONS = {"eq", "frozen", "kw_only", "order", "repr", "slots"}


@dataclass(frozen=True)
class Parameter:
    """One argument; its annotation and default are expressions of `module`."""

    name: str
    module: Module
    annotation: ast.expr | None = None
    default: ast.expr | None = None
    is_required: bool = True
    is_positional_only: bool = False


@dataclass(frozen=True)
class Signature:
    """What a call may give.

    `positional` are the names that a call can give by position, `is_open` says that any other name is accepted too.
    `function` is what runs first with these arguments, and `owner` the class that it is a method of.
    """

    name: str
    parameters: dict[str, Parameter]
    positional: tuple[str, ...] = ()
    is_open: bool = False
    function: Definition | None = None
    owner: Lineage | None = None

    @property
    def base(self) -> "Signature | None":
        """What `super().__init__` calls."""
        return _constructor(self.owner.rest if self.owner else None, self.name)


def signature(dotted: str) -> Signature | None:
    """The signature of a class or function; None where source does not tell it with certainty.

    Raises:
        NameMissingError: there certainly is no such class or function.
    """
    found = find(dotted)
    return _of(found) if isinstance(found, Definition) else None


@cache
def _of(definition: Definition) -> Signature | None:
    match definition.node:
        case ast.ClassDef(name):
            return _constructor(lineage(definition), name)
        case ast.FunctionDef(name):
            return _of_function(definition, name)
    return None


# Classes


def _constructor(classes: Lineage | None, name: str) -> Signature | None:
    """The signature of calling the first of these classes, the others being its bases in order."""
    for one in classes or ():
        if not one.definition or not _is_plain_class(one.definition):
            return None
        module, node = one.definition.module, one.definition.node
        members = namespace(node.body)
        match [*members.get("__init__", []), *members.get("__new__", [])]:
            case [binding]:
                return _of_function(Definition(module, binding.node), name, one)
            case [_, *_]:
                return None
        if _has_fields(one.definition):
            fields = _fields(one)
            post_init = members.get("__post_init__", [])
            function = Definition(module, post_init[0].node) if len(post_init) == 1 else None
            return None if fields is None else Signature(name, fields, tuple(fields), function=function)
    return Signature(name, {})


def _is_plain_class(definition: Definition) -> bool:
    """Whether calling the class does no more than run its `__init__` or `__new__`."""
    metaclasses = {last_name(keyword.value) for keyword in definition.node.keywords if keyword.arg == "metaclass"}
    decorators = {last_name(decorator) for decorator in definition.node.decorator_list}
    return metaclasses <= {"ABCMeta"} and decorators <= _PLAIN_DECORATORS


def _has_fields(definition: Definition) -> bool:
    """Whether it is a dataclass or a NamedTuple."""
    return "dataclass" in map(last_name, definition.node.decorator_list) or "NamedTuple" in map(
        last_name, definition.node.bases
    )


def _fields(classes: Lineage) -> dict[str, Parameter] | None:
    """The arguments of the constructor that is made for a dataclass or a NamedTuple."""
    fields: dict[str, Parameter | None] = {}
    for definition in reversed([one.definition for one in classes]):
        if not definition:
            return None
        calls = [decorator for decorator in definition.node.decorator_list if isinstance(decorator, ast.Call)]
        if not {keyword.arg for call in calls for keyword in call.keywords} <= _PLAIN_OPTIONS:
            return None
        for statement in definition.node.body if _has_fields(definition) else ():
            match statement:
                case ast.AnnAssign(ast.Name(name), annotation, value=value):
                    if last_name(annotation) not in ("ClassVar", "KW_ONLY"):
                        fields[name] = _field(Parameter(name, definition.module, annotation), value)
    return {name: field for name, field in fields.items() if field}


def _field(parameter: Parameter, value: ast.expr | None) -> Parameter | None:
    if not isinstance(value, ast.Call) or last_name(value) != "field":
        return replace(parameter, default=value, is_required=value is None)
    options = {keyword.arg: keyword.value for keyword in value.keywords}
    match options.get("init"):
        case ast.Constant(False):
            return None
    is_required = options.keys().isdisjoint({"default", "default_factory"})
    return replace(parameter, default=options.get("default"), is_required=is_required)


# Functions


def _of_function(definition: Definition, name: str, owner: Lineage | None = None) -> Signature | None:
    node, module = definition.node, definition.module
    if not isinstance(node, ast.FunctionDef) or not all(_is_plain(module, one) for one in node.decorator_list):
        return None
    given = node.args
    by_position = [*given.posonlyargs, *given.args]
    no_defaults = [None] * (len(by_position) - len(given.defaults))
    pairs = [
        *zip(by_position, [*no_defaults, *given.defaults], strict=True),
        *zip(given.kwonlyargs, given.kw_defaults, strict=True),
    ]
    parameters = {
        one.arg: Parameter(one.arg, module, one.annotation, default, default is None, one in given.posonlyargs)
        for one, default in pairs
    }
    positional = [one.arg for one in by_position]
    if owner:
        if not positional:
            return None
        del parameters[positional.pop(0)]
    read = Signature(name, parameters, tuple(positional), function=definition, owner=owner)
    return _with_keywords(read, node) if given.kwarg else read


def _is_plain(module: Module, decorator: ast.expr) -> bool:
    """Whether a decorator hands back the function, or a wrapper with the same arguments."""
    if last_name(decorator) in _PLAIN_DECORATORS:
        return True
    found = resolve(module, decorator.func if isinstance(decorator, ast.Call) else decorator)
    if not isinstance(found, Definition) or not isinstance(found.node, ast.FunctionDef):
        return False
    for function in ast.walk(found.node):
        if isinstance(function, ast.FunctionDef):
            is_wrapper = "wraps" in map(last_name, function.decorator_list)
            last, arguments = function.body[-1], function.args.args
            if is_wrapper or (arguments and isinstance(last, ast.Return) and is_name(last.value, arguments[0].arg)):
                return True
    return False


def _with_keywords(read: Signature, node: ast.FunctionDef) -> Signature:
    """Adds the arguments that come through `**kwargs`: those named in the body and those of the call they go to."""
    assert node.args.kwarg
    assert read.function
    uses = Forwarding(node, node.args.kwarg.arg)
    # A decorator may rename old arguments: the names that it is told are accepted, too.
    texts = [
        part for decorator in node.decorator_list for part in ast.walk(decorator) if isinstance(part, ast.Constant)
    ]
    named = uses.names | {part.value for part in texts if isinstance(part.value, str)}
    module = read.function.module
    optional = {name: Parameter(name, module, is_required=False) for name in named - read.parameters.keys()}
    parameters = read.parameters | optional
    if uses.is_understood and uses.refuses_rest and not uses.calls:
        return replace(read, parameters=parameters)
    as_open = replace(read, parameters=parameters, is_open=True)
    if not uses.is_understood or len(uses.calls) != 1 or not (callee := _callee(read, node, uses.calls[0])):
        return as_open
    variadic = node.args.vararg.arg if node.args.vararg else ""
    bound = bound_names(uses.calls[0], callee.positional, variadic)
    if bound is None:
        return as_open
    simple = [line for line in node.body if isinstance(line, ast.Expr | ast.Assign | ast.AnnAssign | ast.Return)]
    is_certain = any(uses.calls[0] in ast.walk(line) for line in simple)
    for name, parameter in callee.parameters.items():
        if name not in bound and name not in parameters and not parameter.is_positional_only:
            parameters[name] = replace(parameter, is_required=parameter.is_required and is_certain)
    return replace(read, parameters=parameters, is_open=callee.is_open)


def _callee(read: Signature, node: ast.FunctionDef, call: ast.Call) -> Signature | None:
    if is_super_init(call.func):
        return read.base
    root = ast.unparse(call.func).partition(".")[0]
    local = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
    if root in {*local, *read.parameters, "self", "cls"} or not read.function:
        return None
    found = resolve(read.function.module, call.func)
    return _of(found) if isinstance(found, Definition) else None
