"""Finds classes and functions by dotted name in source files. Nothing is imported, nothing is executed."""

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

# A module whose text holds one of these may have names that no statement of it binds.
_DYNAMIC = re.compile(r"\b((__getattr__|globals|global|setattr|exec|vars|__dict__)\b|modules\[)")


class NameMissingError(Exception):
    """A name that certainly does not exist, where it was looked for, and the names that are there."""

    def __init__(self, name: str, place: str, choices: list[str]) -> None:
        super().__init__(name)
        self.name, self.place, self.choices = name, place, choices


@dataclass(frozen=True, eq=False)
class Module:
    """A module that is not imported; `path` is None where there is no Python source."""

    name: str
    path: Path | None
    folders: list[str]

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8", errors="replace") if self.path else ""

    @cached_property
    def tree(self) -> ast.Module | None:
        try:
            return ast.parse(self.text) if self.path else None
        except (SyntaxError, ValueError):
            return None

    @cached_property
    def names(self) -> dict[str, list[ast.AST]]:
        if not self.tree:
            return {}
        names = bindings(self.tree.body)
        if "__getattr__" in names:  # a package that imports its names late tells type checkers where from
            blocks = (node for node in self.tree.body if isinstance(node, ast.If) and _is_type_checking(node))
            late = bindings([statement for block in blocks for statement in block.body])
            names = late | names
        return names

    @property
    def is_known(self) -> bool:
        """Whether it has no other names than those that are read here."""
        is_readable = self.tree is not None if self.path else bool(self.folders)
        # This package imports what it names late, and has no other names.
        is_own = self.name == "leyden"
        return is_readable and (is_own or not _DYNAMIC.search(self.text))


@dataclass(frozen=True)
class Definition:
    """A class, a function or an assigned expression, and the module in which its names are to be read."""

    module: Module
    node: Any  # ast.ClassDef, ast.FunctionDef or ast.expr


@cache
def load(name: str) -> Module | None:
    parent, _, _ = name.rpartition(".")
    try:
        if parent:
            package = load(parent)
            spec = PathFinder.find_spec(name, package.folders) if package and package.folders else None
        else:  # the second asks every finder, also those of editable installs
            spec = PathFinder.find_spec(name) or find_spec(name)
    except (ValueError, ImportError):
        return None
    if not spec:
        return None
    path = Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    return Module(name, path, list(spec.submodule_search_locations or ()))


def find(dotted: str) -> Module | Definition | None:
    """`package.module.Name` -> what it is; None where source does not tell.

    Raises:
        NameMissingError: it certainly does not exist.
    """
    first, *names = dotted.split(".")
    if not (module := load(first)):
        raise NameMissingError(first, "", [module.name for module in iter_modules()])
    return _descend(module, names)


def resolve(module: Module, expression: ast.AST) -> Module | Definition | None:
    """What a dotted name means in a module; None where source does not tell."""
    first, *names = ast.unparse(expression).partition("[")[0].split(".")
    with suppress(NameMissingError):
        return _descend(look_up(module, first), names) if first.isidentifier() else None
    return None


def look_up(module: Module, name: str) -> Module | Definition | None:
    """What a name means at the end of a module. None and NameMissingError as for `find`."""
    submodule = load(f"{module.name}.{name}")
    if nodes := module.names.get(name):
        # `Name = None` stands in for what could not be imported.
        known = [node for node in nodes if len(nodes) == 1 or not is_none(node)]
        found = {_follow(module, name, node) for node in known}
        return found.pop() if len(found) == 1 else None
    sources = _star_imports(module)
    for source in sources:
        exported = [text for node in source.names.get("__all__", []) for text in texts(node)]
        with suppress(NameMissingError):
            if not exported or name in exported:
                return look_up(source, name)
    if submodule or not module.is_known:
        return submodule
    known = [one for source in (module, *sources) for one in source.names if one[0] not in "_*"]
    raise NameMissingError(name, module.name, [*known, *(one.name for one in iter_modules(module.folders))])


def _star_imports(module: Module) -> list[Module]:
    """Modules all of whose names are imported; one that is not there is imported under a condition that does not hold."""
    stars = module.names.get("*", [])
    found = [load(imported_module(module, star)) for star in stars if isinstance(star, ast.ImportFrom)]
    return [source for source in found if source]


def _descend(found: Module | Definition | None, names: list[str]) -> Module | Definition | None:
    for position, name in enumerate(names, start=1):
        if not isinstance(found, Module):
            return None
        # Submodules come first, so that large packages need not be read, but a last name may be a function's.
        inner = load(f"{found.name}.{name}") if position < len(names) else None
        found = inner or look_up(found, name)
    return found


def _follow(module: Module, name: str, node: ast.AST) -> Module | Definition | None:
    """The definition behind imports and aliases."""
    match node:
        case ast.ClassDef() | ast.FunctionDef():
            return Definition(module, node)
        case ast.ImportFrom(names=[ast.alias(original)]):
            source = load(imported_module(module, node))
            if not source or (source is module and original == name):
                return load(f"{module.name}.{original}")
            with suppress(NameMissingError):
                return look_up(source, original)
        case ast.Import(names=[ast.alias(original, asname)]):
            return load(original if asname else original.partition(".")[0])
        case ast.Name() | ast.Attribute() if ast.unparse(node) != name:
            return resolve(module, node) or Definition(module, node)
        case ast.expr():
            return Definition(module, node)
    return None


def imported_module(module: Module, node: ast.ImportFrom) -> str:
    """The absolute name of the module from which names are imported."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + bool(module.folders)]
    return ".".join([*parts, node.module] if node.module else parts)


def bindings(body: list[ast.stmt]) -> dict[str, list[ast.AST]]:
    """What may give each name its value, whatever the branch; star imports have the name `*`."""
    names: dict[str, list[ast.AST]] = {}
    for name, node in _bindings(body):
        names.setdefault(name, []).append(node)
    return names


def _bindings(body: list[ast.stmt]) -> Iterator[tuple[str, ast.AST]]:
    for statement in body:
        match statement:
            case ast.ClassDef(name) | ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                if not any(last_name(decorator) == "overload" for decorator in statement.decorator_list):
                    yield name, statement
            case ast.ImportFrom(origin, aliases, level):
                yield from ((one.asname or one.name, ast.ImportFrom(origin, [one], level)) for one in aliases)
            case ast.Import(aliases):
                yield from ((one.asname or one.name.partition(".")[0], ast.Import([one])) for one in aliases)
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(ast.Name(name), value=value) if value:
                yield name, value
            case ast.Assign() | ast.AugAssign():
                yield from ((name, statement) for name in stored_names(statement))
            case ast.If() if _is_type_checking(statement):
                yield from _bindings(statement.orelse)
            case ast.If() | ast.For() | ast.While() | ast.With() | ast.Try():
                inner = [node for node in ast.iter_child_nodes(statement) if isinstance(node, ast.stmt)]
                handlers = [line for handler in getattr(statement, "handlers", []) for line in handler.body]
                yield from _bindings(inner + handlers)


def _is_type_checking(statement: ast.If) -> bool:
    return last_name(statement.test) == "TYPE_CHECKING"


@cache
def stored_names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}


def last_name(expression: ast.AST | None) -> str:
    """`a.b.Name`, `a.b.Name[...]`, `a.b.Name(...)` -> `Name`"""
    match expression:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value) | ast.Call(value):
            return last_name(value)
    return ""


def texts(node: ast.AST) -> list[str]:
    """All strings in an expression."""
    constants = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return [value for value in constants if isinstance(value, str)]


def is_none(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
