"""The library as `eject` reads it: its modules, public names and imports. Nothing is imported, nothing is executed."""

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
    """One name that a statement imports from the library.

    Args:
        node: the statement.
        alias: the name in it, and the name that it gets.
        module: where the name is defined; for a module that is imported, that module.
        name: as it is called there; empty for a module.
    """

    node: ast.ImportFrom
    alias: ast.alias
    module: Module
    name: str


@cache
def modules() -> list[Module]:
    """Every module of the library."""
    library = load(LIBRARY)
    assert library
    folder = Path(library.folders[0])
    names = [path.relative_to(folder).with_suffix("").parts for path in sorted(folder.rglob("*.py"))]
    dotted = [".".join((LIBRARY, *parts)).removesuffix(".__init__") for parts in names]
    return [module for name in dotted if (module := load(name))]


def version() -> str:
    """The library's version."""
    library = load(LIBRARY)
    return texts(library.names["__version__"][0])[0] if library else ""


@cache
def public() -> dict[str, Definition]:
    """Dotted names of what the parts export, each with what it stands for."""
    found = {}
    for package in modules():
        if package.folders and package.name.count(".") and _part(package) in PARTS:
            for name in _exported(package):
                if isinstance(definition := look_up(package, name), Definition):
                    found[f"{package.name}.{name}"] = definition
    return found


@cache
def public_modules() -> set[str]:
    """Names of the modules that define a public name."""
    return {definition.module.name for definition in public().values()}


@cache
def uses(module: Module) -> list[Use]:
    """What a module imports from the library, wherever its statements stand."""
    nodes = [node for node in ast.walk(module.tree or ast.Module([], [])) if isinstance(node, ast.ImportFrom)]
    found = []
    for node in nodes:
        name = imported_module(module, node)
        base = load(name) if name.partition(".")[0] == LIBRARY else None
        if base:
            found += [Use(node, alias, *_origin(base, alias.name)) for alias in node.names]
    return found


@cache
def users(module: Module) -> list[Module]:
    """The modules that import from one; packages, which only hand names on, are left out."""
    last = module.name.rpartition(".")[2]  # by packages that export its names, others find it, too
    exported = [name for package in modules() if package.folders for name in _exported(package)]
    words = {last, *(name for name in exported if name in module.names)}
    near = [one for one in modules() if not one.folders and one != module and any(word in one.text for word in words)]
    return [one for one in near if any(use.module == module for use in uses(one))]


def place(module: Module, name: str) -> str:
    """From which module to import a name: the nearest package that exports it, else the one that defines it."""
    parts = module.name.split(".")
    for end in range(len(parts) - 1, 1, -1):
        package = load(".".join(parts[:end]))
        if package and name in _exported(package) and _origin(package, name) == (module, name):
            return package.name
    return module.name


def find_class(name: str) -> Definition:
    """The class or function of the library that a name stands for.

    Args:
        name: dotted as in YAML, or that of a class alone.

    Raises:
        UserError: there is none, there are several, or it has to stay in the library.
    """
    found = _by_path(name) if "." in name else _by_name(name)
    if not found.module.name.startswith(f"{LIBRARY}."):
        raise UserError(f"{name} is {found.module.name}.{found.node.name}, no class of {LIBRARY}: import it from there")
    shared = {one.module for name, one in public().items() if name.rpartition(".")[2] in _exported_by_library()}
    if found.module in shared:
        text = "is what projects and the library have in common"
    elif _part(found.module) not in PARTS:
        text = "is part of how every run is made and read"
    else:
        return found
    whole = f"{place(found.module, found.node.name)}.{found.node.name}"
    raise UserError(f"{whole} {text}, and stays in {LIBRARY}: subclass it in the project instead")


def _by_path(name: str) -> Definition:
    if name.partition(".")[0] != LIBRARY:
        raise UserError(f"{name} is no class of {LIBRARY}{hint(name, public(), few=0)}")
    try:
        found = find(name)
    except NameMissingError as error:
        near = hint(name, public(), few=0) or hint(error.name, error.choices)
        raise UserError(f"there is no {error.name!r} in {error.place or LIBRARY}{near}") from None
    if isinstance(found, Definition) and isinstance(found.node, ast.ClassDef | ast.FunctionDef):
        return found
    inner = sorted(one for one in public() if one.startswith(f"{name}."))
    raise UserError(f"{name} is no class or function{'; there are ' if inner else ''}{', '.join(inner)}")


def _by_name(name: str) -> Definition:
    choices = {dotted: one for dotted, one in public().items() if dotted.rpartition(".")[2] == name}
    choices = choices or {f"{one.module.name}.{name}": one for one in _classes(name)}
    if len(set(choices.values())) > 1:
        raise UserError(f"there are several of the name {name!r}: {', '.join(sorted(choices))}; give the whole name")
    if not choices:
        known = {dotted.rpartition(".")[2] for dotted in public()}
        raise UserError(f"there is no class {name!r} in {LIBRARY}{hint(name, known, few=100)}")
    return next(iter(choices.values()))


def _classes(name: str) -> Iterator[Definition]:
    """Every class of that name that a module defines at its top."""
    for module in modules():
        if f"class {name}" in module.text:  # most need not be parsed
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
    """Where a name that is imported from a module is defined, through packages that hand it on."""
    nodes = base.names.get(name)
    if not nodes:
        submodule = load(f"{base.name}.{name}")
        return (submodule, "") if submodule else (base, name)
    if base.folders and len(nodes) == 1 and isinstance(node := nodes[0], ast.ImportFrom):
        source = load(imported_module(base, node))
        return _origin(source, node.names[0].name) if source else (base, name)
    return base, name
