"""Signatures read from source: what a class or function may be called with, by name."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from .source import Definition, Module, find, namespace, resolve

_PLAIN_BASES = {"object", "ABC", "Generic", "Protocol"}
_PLAIN_DECORATORS = {"abstractmethod", "deprecated", "final", "inference_mode", "no_grad", "override"}
_PLAIN_DECORATORS |= {"runtime_checkable", "total_ordering", "cache", "lru_cache"}


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
    `function` is what runs first with these arguments, and `bases` are the classes that its `super()` looks through.
    """

    name: str
    parameters: dict[str, Parameter]
    positional: tuple[str, ...] = ()
    is_open: bool = False
    function: Definition | None = None
    bases: tuple[Definition | None, ...] = ()

    @property
    def base(self) -> "Signature | None":
        return constructor(self.bases, self.name)


def signature(dotted: str) -> Signature | None:
    """The signature of a class or function; None where source does not tell it with certainty.

    Raises:
        NameMissing: there certainly is no such class or function.
    """
    found = find(dotted)
    return _of(found) if isinstance(found, Definition) else None


@cache
def _of(definition: Definition) -> Signature | None:
    match definition.node:
        case ast.ClassDef(name):
            return constructor(linearized(definition), name)
        case ast.FunctionDef(name):
            return _of_function(definition, name)
    return None


@cache
def linearized(definition: Definition) -> tuple[Definition | None, ...]:
    """A class and its bases in the order of method resolution; None stands for classes that cannot be read."""
    assert isinstance(definition.node, ast.ClassDef)
    order: list[Definition | None] = [definition]
    for base in definition.node.bases:
        if last_name(base) in _PLAIN_BASES | {"NamedTuple"}:
            continue
        found = resolve(definition.module, base)
        is_class = isinstance(found, Definition) and isinstance(found.node, ast.ClassDef)
        order += linearized(found) if is_class else [None]
    return tuple(cls for place, cls in enumerate(order) if cls is None or cls not in order[place + 1 :])


@cache
def constructor(classes: tuple[Definition | None, ...], name: str) -> Signature | None:
    """The signature of calling the first of these classes, the others being its bases in order."""
    for place, definition in enumerate(classes):
        if not definition or not _is_plain_class(definition):
            return None
        bases = classes[place + 1 :]
        members = namespace(definition.node.body)
        match [*members.get("__init__", []), *members.get("__new__", [])]:
            case [one]:
                return _of_function(Definition(definition.module, one.node), name, bases, is_method=True)
            case [_, *_]:
                return None
        if dataclass_options(definition) is not None or "NamedTuple" in map(last_name, definition.node.bases):
            fields = _fields(classes[place:])
            post_init = members.get("__post_init__", [])
            function = Definition(definition.module, post_init[0].node) if len(post_init) == 1 else None
            return fields if fields is None else Signature(name, fields, tuple(fields), function=function)
    return Signature(name, {})


def last_name(expression: ast.expr | None) -> str:
    """`a.b.Name[...]` and `a.b.Name(...)` -> `Name`"""
    match expression:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value) | ast.Call(value):
            return last_name(value)
    return ""


# Classes


def _is_plain_class(definition: Definition) -> bool:
    """Whether calling the class does no more than run its `__init__` or `__new__`."""
    node = definition.node
    metaclasses = [last_name(keyword.value) for keyword in node.keywords if keyword.arg == "metaclass"]
    decorators = {last_name(decorator) for decorator in node.decorator_list}
    return set(metaclasses) <= {"ABCMeta"} and decorators <= {*_PLAIN_DECORATORS, "dataclass"}


def dataclass_options(definition: Definition) -> dict[str | None, ast.expr] | None:
    """The arguments of `@dataclass`, or None for any other class."""
    for decorator in definition.node.decorator_list:
        if last_name(decorator) == "dataclass":
            keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
            return {keyword.arg: keyword.value for keyword in keywords}
    return None


def _fields(classes: tuple[Definition | None, ...]) -> dict[str, Parameter] | None:
    """The arguments of the constructor that is made for a dataclass or a NamedTuple."""
    fields: dict[str, Parameter] = {}
    for definition in reversed(classes):
        if not definition:
            return None
        options = dataclass_options(definition)
        if options is None and "NamedTuple" not in map(last_name, definition.node.bases):
            continue
        if options and not {"frozen", "kw_only", "slots", "eq", "order", "repr"}.issuperset(options):
            return None
        for statement in definition.node.body:
            match statement:
                case ast.AnnAssign(ast.Name(name), annotation, value):
                    if last_name(annotation) not in ("ClassVar", "KW_ONLY"):
                        fields[name] = _field(Parameter(name, definition.module, annotation), value)
    return {name: field for name, field in fields.items() if field}


def _field(parameter: Parameter, value: ast.expr | None) -> Parameter | None:
    if isinstance(value, ast.Call) and last_name(value) == "field":
        options = {keyword.arg: keyword.value for keyword in value.keywords}
        match options.get("init"):
            case ast.Constant(False):
                return None
        default = options.get("default")
        return replace(parameter, default=default, is_required=not ({"default", "default_factory"} & set(options)))
    return replace(parameter, default=value, is_required=value is None)


# Functions


def _of_function(
    definition: Definition, name: str, bases: tuple[Definition | None, ...] = (), is_method: bool = False
) -> Signature | None:
    node, module = definition.node, definition.module
    if not isinstance(node, ast.FunctionDef):
        return None
    if not all(_keeps_signature(module, decorator) for decorator in node.decorator_list):
        return None
    arguments = node.args
    by_position = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(by_position) - len(arguments.defaults)) + arguments.defaults
    parameters = {}
    for place, (argument, default) in enumerate(
        [*zip(by_position, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    ):
        is_positional_only = place < len(arguments.posonlyargs)
        parameters[argument.arg] = Parameter(
            argument.arg, module, argument.annotation, default, default is None, is_positional_only
        )
    positional = tuple(argument.arg for argument in by_position)
    if is_method:
        if not positional:
            return None
        del parameters[positional[0]]
        positional = positional[1:]
    read = Signature(name, parameters, positional, function=definition, bases=bases)
    return _forwarded(read, node) if arguments.kwarg else read


def _keeps_signature(module: Module, decorator: ast.expr) -> bool:
    """Whether a decorator hands back the function, or a wrapper with the same arguments."""
    if last_name(decorator) in _PLAIN_DECORATORS:
        return True
    found = resolve(module, decorator.func if isinstance(decorator, ast.Call) else decorator)
    if not isinstance(found, Definition) or not isinstance(found.node, ast.FunctionDef):
        return False
    for function in ast.walk(found.node):
        if isinstance(function, ast.FunctionDef):
            if any(last_name(wrapper) == "wraps" for wrapper in function.decorator_list):
                return True
            first = function.args.args[0].arg if function.args.args else None
            if any(isinstance(last, ast.Return) and _is_name(last.value, first) for last in function.body[-1:]):
                return True
    return False


def _is_name(node: ast.AST | None, name: str | None) -> bool:
    return isinstance(node, ast.Name) and node.id == name


# `**kwargs`


def _forwarded(read: Signature, node: ast.FunctionDef) -> Signature:
    """Adds the arguments that come through `**kwargs`: those named in the body and those of the call they go to."""
    assert node.args.kwarg and read.function
    uses = _Uses(node, node.args.kwarg.arg)
    # A decorator may rename old arguments: the names that it is told are accepted, too.
    named = uses.names | {text for decorator in node.decorator_list for text in _strings(decorator)}
    parameters = read.parameters | {
        name: Parameter(name, read.function.module, is_required=False) for name in named - read.parameters.keys()
    }
    if not uses.all_understood or len(uses.calls) > 1 or not (uses.calls or uses.refuses_rest):
        return replace(read, parameters=parameters, is_open=True)
    if not uses.calls:
        return replace(read, parameters=parameters)
    call = uses.calls[0]
    callee = _callee(read, node, call)
    is_spread = sum(keyword.arg is None for keyword in call.keywords) > 1 or any(
        isinstance(argument, ast.Starred) and not (node.args.vararg and _is_name(argument.value, node.args.vararg.arg))
        for argument in call.args
    )
    if not callee or is_spread:
        return replace(read, parameters=parameters, is_open=True)
    given = sum(not isinstance(argument, ast.Starred) for argument in call.args)
    bound = {*callee.positional[:given], *(keyword.arg for keyword in call.keywords)}
    simple = (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return)
    is_certain = any(call in ast.walk(statement) for statement in node.body if isinstance(statement, simple))
    for name, parameter in callee.parameters.items():
        if name not in bound and name not in parameters and not parameter.is_positional_only:
            parameters[name] = parameter if is_certain else replace(parameter, is_required=False)
    return replace(read, parameters=parameters, is_open=callee.is_open)


class _Uses:
    """What the body of a function does with its `**kwargs`."""

    def __init__(self, node: ast.FunctionDef, name: str) -> None:
        self.names: set[str] = set()
        self.calls: list[ast.Call] = []
        self.refuses_rest = False
        understood: set[ast.AST] = set()
        for inner in ast.walk(node):
            match inner:
                case ast.Call(
                    ast.Attribute(ast.Name() as use, "pop" | "get" | "setdefault"), [ast.Constant(str(key)), *_]
                ):
                    found, keys = use, [key]
                case ast.Subscript(ast.Name() as use, ast.Constant(str(key))):
                    found, keys = use, [key]
                case ast.Compare(ast.Constant(str(key)), [ast.In() | ast.NotIn()], [ast.Name() as use]):
                    found, keys = use, [key]
                case ast.Call(_, [ast.Name() as use, ast.Constant(str(key)), *_]):  # a helper for one argument
                    found, keys = use, [key]
                case ast.If(ast.Name() as use, [*_, ast.Raise()]) if use.id == name:
                    self.refuses_rest = True
                    understood |= {use, *(part for line in inner.body for part in ast.walk(line))}
                    continue
                case ast.Call(keywords=keywords):
                    found, keys = next((item.value for item in keywords if _is_name(item.value, name)), None), []
                    if found and any(item.arg for item in keywords if item.value is found):
                        found = None
                    if found:
                        self.calls.append(inner)
                case _:
                    continue
            if _is_name(found, name):
                understood.add(found)
                self.names.update(keys)
        self.all_understood = all(use in understood for use in ast.walk(node) if _is_name(use, name))


def _callee(read: Signature, node: ast.FunctionDef, call: ast.Call) -> Signature | None:
    assert read.function
    if is_super_init(call.func):
        return read.base
    root = next(inner for inner in ast.walk(call.func) if not isinstance(inner, ast.Attribute))
    local = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
    if not isinstance(root, ast.Name) or root.id in {*local, *read.parameters, "self", "cls"}:
        return None
    found = resolve(read.function.module, call.func)
    return _of(found) if isinstance(found, Definition) else None


def is_super_init(function: ast.expr) -> bool:
    match function:
        case ast.Attribute(ast.Call(ast.Name("super")), "__init__"):
            return True
    return False


def _strings(node: ast.AST) -> Iterator[str]:
    return (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant) and isinstance(inner.value, str))
