"""Definitions looked up by name in source files. Nothing is imported, nothing is executed."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

# A module whose text holds one of these may have names that no statement of it binds.
_DYNAMIC = re.compile(r"\b(__getattr__|globals|global|setattr|exec|vars|__dict__|modules\[)")


Seen = frozenset[tuple[str, str]]  # names that are being looked up: imports may go round in a circle


class NameMissingError(Exception):
    """A name that certainly does not exist, where it was looked for, and the names that are there."""

    def __init__(self, name: str, place: str, choices: set[str]) -> None:
        super().__init__(name)
        self.name, self.place, self.choices = name, place, choices


@dataclass(frozen=True)
class Binding:
    """A statement that may give a name its value."""

    node: Any
    is_conditional: bool


@dataclass(frozen=True, eq=False)
class Module:
    """A module that need not be imported. `path` is None where there is no Python source."""

    name: str
    path: Path | None
    folders: tuple[str, ...]

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8", errors="replace") if self.path else ""

    @cached_property
    def tree(self) -> ast.Module | None:
        """None where there is nothing to read: built in, compiled, or not the Python of this interpreter."""
        if not self.path:
            return ast.Module([], []) if self.folders else None
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError):
            return None

    @cached_property
    def names(self) -> dict[str, list[Binding]]:
        return namespace(self.tree.body) if self.tree else {}

    @property
    def is_dynamic(self) -> bool:
        return not self.tree or bool(_DYNAMIC.search(self.text))

    @property
    def choices(self) -> set[str]:
        names = {name for name in self.names if not name.startswith(("_", "*"))}
        starred = [load(_imported(self, star.node)) for star in self.names.get("*", [])]
        names |= {name for module in starred if module for name in module.choices}
        return names | {module.name for module in iter_modules(self.folders)}


@dataclass(frozen=True)
class Definition:
    """A class, a function or an assigned expression, and the module in which its names are to be read."""

    module: Module
    node: Any  # ast.ClassDef, ast.FunctionDef or ast.expr


@cache
def load(name: str) -> Module | None:
    parent, _, _ = name.rpartition(".")
    try:
        if not parent:  # the second asks every finder, also those of editable installs
            spec = PathFinder.find_spec(name) or find_spec(name)
        else:
            package = load(parent)
            spec = PathFinder.find_spec(name, package.folders) if package and package.folders else None
    except (ValueError, ImportError):
        return None
    if not spec:
        return None
    path = Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    return Module(name, path, tuple(spec.submodule_search_locations or ()))


def find(dotted: str) -> Module | Definition | None:
    """`package.module.Name` -> what it is; None where that cannot be known from source.

    Raises:
        NameMissingError: it certainly does not exist.
    """
    first, *names = dotted.split(".")
    if not (module := load(first)):
        raise NameMissingError(first, "", {module.name for module in iter_modules()})
    return _descend(module, names, frozenset())


def _descend(found: Module | Definition | None, names: list[str], seen: Seen) -> Module | Definition | None:
    for position, name in enumerate(names, start=1):
        if not isinstance(found, Module):
            return None
        # Submodules come first, so that large packages need not be read, but a last name may be a function's.
        inner = load(f"{found.name}.{name}") if position < len(names) else None
        found = inner or look_up(found, name, seen)
    return found


def look_up(module: Module, name: str, seen: Seen = frozenset()) -> Module | Definition | None:
    """What a name means at the end of a module. None and NameMissingError as for `find`."""
    submodule = f"{module.name}.{name}"
    if (module.name, name) in seen:
        return load(submodule)
    seen |= {(module.name, name)}
    if bindings := module.names.get(name):
        nodes = [binding.node for binding in bindings]
        found = {_follow(module, node, seen) for node in nodes if len(nodes) == 1 or not is_none(node)}
        return found.pop() if len(found) == 1 else None
    stars = [load(_imported(module, star.node)) for star in module.names.get("*", [])]
    for star in stars:
        if star and (name in exported if (exported := _exported(star)) else not name.startswith("_")):
            try:
                return look_up(star, name, seen)
            except NameMissingError:
                continue
    if found := load(submodule):
        return found
    if module.is_dynamic or any(star is None for star in stars):
        return None
    raise NameMissingError(name, module.name, module.choices)


def resolve(module: Module, expression: ast.expr, seen: Seen = frozenset()) -> Module | Definition | None:
    """What a dotted name, perhaps with type arguments, means in a module; None where that cannot be known."""
    if isinstance(expression, ast.Subscript):
        return resolve(module, expression.value, seen)
    first, *names = ast.unparse(expression).split(".")
    try:
        return _descend(look_up(module, first, seen), names, seen) if first.isidentifier() else None
    except NameMissingError:
        return None


def _follow(module: Module, node: ast.AST, seen: Seen) -> Module | Definition | None:
    """A binding -> the definition behind imports and aliases."""
    try:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                return Definition(module, node)
            case ast.ImportFrom(names=[ast.alias(name)]):
                source = load(_imported(module, node))
                return look_up(source, name, seen) if source else None
            case ast.Import(names=[ast.alias(name, asname)]):
                return load(name if asname else name.partition(".")[0])
            case ast.Name(name):
                return look_up(module, name, seen)
            case ast.Attribute():
                return resolve(module, node, seen) or Definition(module, node)
            case ast.expr():
                return Definition(module, node)
    except NameMissingError:
        pass  # bound in a way that the source does not show
    return None


def _imported(module: Module, node: ast.AST) -> str:
    """The absolute name of the module from which an `ImportFrom` imports."""
    assert isinstance(node, ast.ImportFrom)
    if not node.level:
        return node.module or ""
    is_package = bool(module.folders)
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join(parts + ([node.module] if node.module else []))


def _exported(module: Module) -> list[str]:
    """`__all__` where it is written out, else nothing."""
    match module.names.get("__all__"):
        case [Binding(ast.List(elements) | ast.Tuple(elements))]:
            return [
                element.value
                for element in elements
                if isinstance(element, ast.Constant) and isinstance(element.value, str)
            ]
    return []


def is_none(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def namespace(body: list[ast.stmt]) -> dict[str, list[Binding]]:
    """The bindings of each name that may be the last ones at run time; star imports have the name `*`."""
    names: dict[str, list[Binding]] = {}
    for name, binding in _bindings(body, is_conditional=False):
        if binding.is_conditional or name == "*":
            names.setdefault(name, []).append(binding)
        else:
            names[name] = [binding]
    return names


def _bindings(body: list[ast.stmt], is_conditional: bool) -> Iterator[tuple[str, Binding]]:
    for statement in body:
        match statement:
            case ast.ClassDef(name) | ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                if not any(ast.unparse(decorator).endswith("overload") for decorator in statement.decorator_list):
                    yield name, Binding(statement, is_conditional)
            case ast.ImportFrom(origin, aliases, level):
                for alias in aliases:
                    single = ast.ImportFrom(origin, [alias], level)
                    yield alias.asname or alias.name, Binding(single, is_conditional)
            case ast.Import(aliases):
                for alias in aliases:
                    name = alias.asname or alias.name.partition(".")[0]
                    yield name, Binding(ast.Import([alias]), is_conditional)
            case ast.Assign(targets, value):
                for target in targets:
                    for node in ast.walk(target):
                        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                            yield node.id, Binding(value if node is target else statement, is_conditional)
            case ast.AnnAssign(ast.Name(name), value=value) | ast.AugAssign(ast.Name(name), value=value) if value:
                known = value if isinstance(statement, ast.AnnAssign) else statement
                yield name, Binding(known, is_conditional)
            case ast.If(test) if ast.unparse(test).endswith("TYPE_CHECKING"):
                yield from _bindings(statement.orelse, is_conditional)
            case ast.If() | ast.For() | ast.While() | ast.With() | ast.Try():
                inner = [node for node in ast.iter_child_nodes(statement) if isinstance(node, ast.stmt)]
                for handler in getattr(statement, "handlers", []):
                    inner += handler.body
                yield from _bindings(inner, is_conditional=True)
