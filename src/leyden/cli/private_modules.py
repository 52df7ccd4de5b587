"""Decide which modules of the library are copied with a class, and which cannot be copied.

A module is copied as a whole, together with the modules of its folder that meet all of these conditions:

- The module defines no public name: public classes are ejected by name, and imported until then.
- It defines no base class of what is copied: base classes are the interface of the library and stay upgradable.
- Every module that imports it is copied, too, or defines a public name: modules shared by the library stay shared.

All other names are imported from the library, by their public name if there is one.
"""

import ast
from collections.abc import Collection, Iterator

from ..config.static.signature import ancestors
from ..config.static.source import Definition, Module
from ..errors import UserError
from .library_names import import_source, modules, public_modules, users, uses

# Names that depend on the location of a module.
LOCATION_NAMES = ("__package__", "__file__", "__path__", "__spec__")


def copied_with(definition: Definition) -> list[Module]:
    """Return the modules that are copied with a class of the library, the first of which defines it.

    Raises:
        UserError: A module would not work outside of the library.
    """
    module = definition.module
    copied = _imported(module, {other.name for other in modules() if _is_private(other, module)})
    while shared := _shared(copied):
        copied = _imported(module, {other.name for other in copied} - shared)
    if text := next(filter(None, (_location_use(other) or _type_test(other, copied) for other in copied)), ""):
        name = definition.node.name
        raise UserError(f"{text}: subclass {import_source(module, name)}.{name} in the project instead")
    return copied


def _is_private(other: Module, module: Module) -> bool:
    is_sibling = other.name.rpartition(".")[0] == module.name.rpartition(".")[0]
    return is_sibling and not other.folders and other.name not in public_modules()


def _imported(module: Module, allowed: Collection[str]) -> list[Module]:
    """Return the module and the allowed modules that it imports, directly or indirectly."""
    reached = [module]
    for current in reached:
        reached += dict.fromkeys(
            use.module for use in uses(current) if use.module.name in allowed and use.module not in reached
        )
    return reached


def _shared(copied: list[Module]) -> set[str]:
    """Return the modules, except the first, that have to stay in the library."""
    names = {module.name for module in copied}
    bases = {base for module in copied for base in _base_modules(module)}
    others = {module.name for module in copied if {user.name for user in users(module)} - names - public_modules()}
    return (bases | others) & (names - {copied[0].name})


def _base_modules(module: Module) -> Iterator[str]:
    """Yield the other modules that define base classes of a module's classes."""
    for node in ast.walk(module.tree or ast.Module([], [])):
        if isinstance(node, ast.ClassDef):
            bases = ancestors(Definition(module, node))
            yield from (base.module.name for base in bases if base and base.module != module)


def _location_use(module: Module) -> str:
    """Describe how a module depends on its location; empty if it does not."""
    for node in ast.walk(module.tree or ast.Module([], [])):
        match node:
            case ast.Name(name) if name in LOCATION_NAMES:
                return f"{module.name}, line {node.lineno}, uses {name}, which would differ in a copy"
            case ast.Call(ast.Name(name) | ast.Attribute(attr=name), [first, *_]) if name == "import_module":
                if not _is_absolute(first):
                    name = ast.unparse(first)
                    return f"{module.name}, line {node.lineno}, imports {name}, which a copy would not find"
    return ""


def _is_absolute(name: ast.expr) -> bool:
    """Whether the name of an imported module is definitely absolute."""
    first = name.values[0] if isinstance(name, ast.JoinedStr) and name.values else name
    return isinstance(first, ast.Constant) and not str(first.value).startswith(".")


def _type_test(module: Module, copied: list[Module]) -> str:
    """Describe where the library tests for a class of the module, which a copy would fail; empty if it does not."""
    for other in users(module):
        if other not in copied:
            names = {use.alias.asname or use.name: use.name for use in uses(other) if use.module == module}
            for name in (names[name] for name in _tested_names(other) if name in names):
                if isinstance(module.names[name][0], ast.ClassDef):
                    return f"{other.name} tests for instances of {name}, which a copy would not be"
    return ""


def _tested_names(module: Module) -> Iterator[str]:
    """Yield the names of classes in type tests of a module."""
    for node in ast.walk(module.tree or ast.Module([], [])):
        match node:
            case ast.Call(ast.Name("isinstance" | "issubclass"), [_, kinds]):
                yield from _names(kinds)
            case ast.MatchClass(kind) | ast.ExceptHandler(kind) if kind:
                yield from _names(kind)


def _names(node: ast.expr) -> Iterator[str]:
    yield from (child.id for child in ast.walk(node) if isinstance(child, ast.Name))
