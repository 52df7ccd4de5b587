"""Modules, public names and imports of the library, read from source for `eject`."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..config.static.source import Definition, Module, NameMissingError, find, imported_module, load, look_up, texts
from ..errors import UserError, hint

LIBRARY = "leyden"
PARTS = ("data", "networks", "tasks", "optim", "metrics", "callbacks", "loggers", "launch")


@dataclass(frozen=True)
class Use:
    """A name that a statement imports from the library.

    Args:
        node: The statement.
        alias: The name in the statement, with its alias.
        module: The module that defines the name, or the imported module.
        name: The name in that module; empty for an imported module.
    """

    node: ast.ImportFrom
    alias: ast.alias
    module: Module
    name: str


@cache
def modules() -> list[Module]:
    """Return all modules of the library."""
    library = load(LIBRARY)
    assert library
    folder = Path(library.folders[0])
    names = [path.relative_to(folder).with_suffix("").parts for path in sorted(folder.rglob("*.py"))]
    dotted = [".".join((LIBRARY, *parts)).removesuffix(".__init__") for parts in names]
    return [module for name in dotted if (module := load(name))]


def version() -> str:
    """Return the version of the library."""
    library = load(LIBRARY)
    return texts(library.names["__version__"][0])[0] if library else ""


@cache
def public() -> dict[str, Definition]:
    """Return the dotted names that the parts export, with their definitions."""
    definitions = {}
    for package in modules():
        if package.folders and package.name.count(".") and _part(package) in PARTS:
            for name in _exported(package):
                if isinstance(definition := look_up(package, name), Definition):
                    definitions[f"{package.name}.{name}"] = definition
    return definitions


@cache
def public_modules() -> set[str]:
    """Return the names of the modules that define a public name."""
    return {definition.module.name for definition in public().values()}


@cache
def uses(module: Module) -> list[Use]:
    """Return all names that a module imports from the library."""
    nodes = [node for node in ast.walk(module.tree or ast.Module([], [])) if isinstance(node, ast.ImportFrom)]
    imported = []
    for node in nodes:
        name = imported_module(module, node)
        base = load(name) if name.partition(".")[0] == LIBRARY else None
        if base:
            imported += [Use(node, alias, *_origin(base, alias.name)) for alias in node.names]
    return imported


@cache
def users(module: Module) -> list[Module]:
    """Return the modules that import from a module, without packages, which only re-export."""
    last = module.name.rpartition(".")[2]  # its names may also be imported from packages that re-export them
    exported = [name for package in modules() if package.folders for name in _exported(package)]
    words = {last, *(name for name in exported if name in module.names)}
    others = (other for other in modules() if not other.folders and other != module)
    candidates = [other for other in others if any(word in other.text for word in words)]
    return [other for other in candidates if any(use.module == module for use in uses(other))]


def import_source(module: Module, name: str) -> str:
    """Return the module to import a name from: the nearest package that exports it, or the one that defines it."""
    parts = module.name.split(".")
    for end in range(len(parts) - 1, 1, -1):
        package = load(".".join(parts[:end]))
        if package and name in _exported(package) and _origin(package, name) == (module, name):
            return package.name
    return module.name


def find_class(name: str) -> Definition:
    """Find a class or function of the library.

    Args:
        name: A dotted name as in YAML, or the name of a class.

    Raises:
        UserError: The class does not exist, is ambiguous, or has to stay in the library.
    """
    definition = _by_path(name) if "." in name else _by_name(name)
    module, own_name = definition.module, definition.node.name
    if not module.name.startswith(f"{LIBRARY}."):
        raise UserError(f"{name} is {module.name}.{own_name}, not a class of {LIBRARY}: import it from there")
    shared = {item.module for key, item in public().items() if key.rpartition(".")[2] in _exported_by_library()}
    if module in shared:
        reason = "is an interface between projects and the library"
    elif _part(module) not in PARTS:
        reason = "is used by every run"
    else:
        return definition
    dotted = f"{import_source(module, own_name)}.{own_name}"
    raise UserError(f"{dotted} {reason} and cannot be copied: subclass it in the project instead")


def _by_path(name: str) -> Definition:
    if name.partition(".")[0] != LIBRARY:
        raise UserError(f"{name} is not a class of {LIBRARY}{hint(name, public(), few=0)}")
    try:
        definition = find(name)
    except NameMissingError as error:
        near = hint(name, public(), few=0) or hint(error.name, error.choices)
        raise UserError(f"there is no {error.name!r} in {error.module or LIBRARY}{near}") from None
    if isinstance(definition, Definition) and isinstance(definition.node, ast.ClassDef | ast.FunctionDef):
        return definition
    inner = sorted(dotted for dotted in public() if dotted.startswith(f"{name}."))
    raise UserError(f"{name} is not a class or function{'; available: ' if inner else ''}{', '.join(inner)}")


def _by_name(name: str) -> Definition:
    choices = {dotted: item for dotted, item in public().items() if dotted.rpartition(".")[2] == name}
    choices = choices or {f"{item.module.name}.{name}": item for item in _classes(name)}
    if len(set(choices.values())) > 1:
        raise UserError(f"{name!r} is ambiguous: {', '.join(sorted(choices))}; use the dotted name")
    if not choices:
        names = {dotted.rpartition(".")[2] for dotted in public()}
        raise UserError(f"there is no class {name!r} in {LIBRARY}{hint(name, names, few=100)}")
    return next(iter(choices.values()))


def _classes(name: str) -> Iterator[Definition]:
    """Yield all classes of that name at the top level of a module."""
    for module in modules():
        if f"class {name}" in module.text:  # avoids parsing most modules
            nodes = module.names.get(name, [])
            yield from (Definition(module, node) for node in nodes if isinstance(node, ast.ClassDef))


def _part(module: Module) -> str:
    return f"{module.name}.".split(".")[1]


def _exported_by_library() -> list[str]:
    library = load(LIBRARY)
    return _exported(library) if library else []


@cache
def _exported(package: Module) -> list[str]:
    return [text for node in package.names.get("__all__", []) for text in texts(node)]


@cache
def _origin(base: Module, name: str) -> tuple[Module, str]:
    """Return the module and name that an imported name is defined by, through packages that re-export it."""
    nodes = base.names.get(name)
    if not nodes:
        submodule = load(f"{base.name}.{name}")
        return (submodule, "") if submodule else (base, name)
    if base.folders and len(nodes) == 1 and isinstance(node := nodes[0], ast.ImportFrom):
        source = load(imported_module(base, node))
        return _origin(source, node.names[0].name) if source else (base, name)
    return base, name
