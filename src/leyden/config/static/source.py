"""Find classes and functions by dotted name in source files, without importing or executing them."""

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

# A module whose source contains one of these may define names dynamically.
_DYNAMIC = re.compile(r"\b((__getattr__|globals|global|setattr|exec|vars|__dict__)\b|modules\[)")


class NameMissingError(Exception):
    """A name definitely does not exist in a module (or, if empty, among packages), unlike its `choices`."""

    def __init__(self, name: str, module: str, choices: list[str]) -> None:
        super().__init__(name)
        self.name, self.module, self.choices = name, module, choices


@dataclass(frozen=True, eq=False)
class Module:
    """A module read from source; `path` is None if it has no Python source."""

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
        if "__getattr__" in names:  # a package with lazy imports declares them for type checkers
            blocks = (node for node in self.tree.body if isinstance(node, ast.If) and _is_type_checking(node))
            lazy = bindings([statement for block in blocks for statement in block.body])
            names = lazy | names
        return names

    @property
    def is_known(self) -> bool:
        """Whether all names of the module are known."""
        is_readable = self.tree is not None if self.path else bool(self.folders)
        # This package imports its names lazily and has no others.
        is_own = self.name == "leyden"
        return is_readable and (is_own or not _DYNAMIC.search(self.text))


@dataclass(frozen=True)
class Definition:
    """A class, a function or an assigned expression, and the module that resolves its names."""

    module: Module
    node: Any  # ast.ClassDef, ast.FunctionDef or ast.expr


@cache
def load(name: str) -> Module | None:
    parent, _, last = name.rpartition(".")
    package = load(parent) if parent else None
    try:
        if parent:
            spec = PathFinder.find_spec(name, package.folders) if package and package.folders else None
        else:  # the second uses all finders, including those of editable installs
            spec = PathFinder.find_spec(name) or find_spec(name)
    except (ValueError, ImportError):
        return None
    except KeyError:  # a folder without __init__.py, whose package is not imported
        folders = [
            str(path) for folder in (package.folders if package else ()) if (path := Path(folder) / last).is_dir()
        ]
        return Module(name, None, folders)
    if not spec:
        return None
    path = Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    return Module(name, path, list(spec.submodule_search_locations or ()))


def find(dotted: str) -> Module | Definition | None:
    """Find `package.module.Name`; return None if it cannot be determined from source.

    Raises:
        NameMissingError: The name definitely does not exist.
    """
    first, *names = dotted.split(".")
    if not (module := load(first)):
        raise NameMissingError(first, "", [module.name for module in iter_modules()])
    return _descend(module, names)


def resolve(module: Module, expression: ast.AST) -> Module | Definition | None:
    """Resolve a dotted name in the namespace of a module; return None if it cannot be determined from source."""
    first, *names = ast.unparse(expression).partition("[")[0].split(".")
    with suppress(NameMissingError):
        return _descend(look_up(module, first), names) if first.isidentifier() else None
    return None


def look_up(module: Module, name: str) -> Module | Definition | None:
    """Resolve a name in the final namespace of a module. Returns and raises as `find` does."""
    submodule = load(f"{module.name}.{name}")
    if nodes := module.names.get(name):
        # `Name = None` is the fallback of an optional import.
        candidates = [node for node in nodes if len(nodes) == 1 or not is_none(node)]
        definitions = {_follow(module, name, node) for node in candidates}
        return definitions.pop() if len(definitions) == 1 else None
    sources = _star_imports(module)
    for source in sources:
        exported = [text for node in source.names.get("__all__", []) for text in texts(node)]
        with suppress(NameMissingError):
            if not exported or name in exported:
                return look_up(source, name)
    if submodule or not module.is_known:
        return submodule
    names = [public for source in (module, *sources) for public in source.names if public[0] not in "_*"]
    names += [submodule.name for submodule in iter_modules(module.folders)]
    raise NameMissingError(name, module.name, names)


def _star_imports(module: Module) -> list[Module]:
    """Return the modules of star imports; missing ones belong to conditional imports."""
    stars = module.names.get("*", [])
    sources = [load(imported_module(module, star)) for star in stars if isinstance(star, ast.ImportFrom)]
    return [source for source in sources if source]


def _descend(owner: Module | Definition | None, names: list[str]) -> Module | Definition | None:
    for position, name in enumerate(names, start=1):
        if not isinstance(owner, Module):
            return None
        # Submodules come first, so that large packages need not be parsed; the last name may be a class or function.
        inner = load(f"{owner.name}.{name}") if position < len(names) else None
        owner = inner or look_up(owner, name)
    return owner


def _follow(module: Module, name: str, node: ast.AST) -> Module | Definition | None:
    """Follow imports and aliases to a definition."""
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
    """Return the absolute name of the module that an import statement imports from."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + bool(module.folders)]
    return ".".join([*parts, node.module] if node.module else parts)


def bindings(body: list[ast.stmt]) -> dict[str, list[ast.AST]]:
    """Map each name to the nodes that may bind it, in any branch; star imports have the name `*`."""
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
                yield from ((alias.asname or alias.name, ast.ImportFrom(origin, [alias], level)) for alias in aliases)
            case ast.Import(aliases):
                yield from ((alias.asname or alias.name.partition(".")[0], ast.Import([alias])) for alias in aliases)
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
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}


def last_name(expression: ast.AST | None) -> str:
    """`a.b.Name`, `a.b.Name[...]`, `a.b.Name(...)` -> `Name`"""
    match expression:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value) | ast.Call(value):
            return last_name(value)
    return ""


def texts(node: ast.AST) -> list[str]:
    """Return all strings in an expression."""
    constants = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return [value for value in constants if isinstance(value, str)]


def is_none(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
