"""Which modules of the library are copied with one of them, and which cannot be copied.

A module is copied whole, and so is every module of its folder that is private to it and to others like it:

- it defines no public name: a public class is ejected by its own name, and until then imported;
- it defines no base class of what is copied: a base is the contract with the library, and fixes of it have to arrive;
- what imports it is copied as well, or defines a public name: what the library's own machinery shares stays one.

All else is imported from the library, by its public name where it has one.
"""

import ast
from collections.abc import Collection, Iterator

from ..config.static.signature import ancestors
from ..config.static.source import Definition, Module
from ..errors import UserError
from .library_names import modules, place, public_modules, users, uses

# By these a module finds others relative to itself.
OWN_PLACE = ("__package__", "__file__", "__path__", "__spec__")


def copied_with(definition: Definition) -> list[Module]:
    """The modules that are copied with a class of the library, the first of which defines it.

    Raises:
        UserError: one of them would not work elsewhere.
    """
    module = definition.module
    reached = _reached(module, {one.name for one in modules() if _is_private(one, module)})
    while shared := _shared(reached):
        reached = _reached(module, {one.name for one in reached} - shared)
    if text := next(filter(None, (_relative(one) or _tested_elsewhere(one, reached) for one in reached)), ""):
        name = definition.node.name
        raise UserError(f"{text}: subclass {place(module, name)}.{name} in the project instead")
    return reached


def _is_private(one: Module, module: Module) -> bool:
    is_near = one.name.rpartition(".")[0] == module.name.rpartition(".")[0]
    return is_near and not one.folders and one.name not in public_modules()


def _reached(module: Module, allowed: Collection[str]) -> list[Module]:
    """The module and those that it imports, if they are allowed, and so on."""
    found = [module]
    for one in found:
        found += dict.fromkeys(
            use.module for use in uses(one) if use.module.name in allowed and use.module not in found
        )
    return found


def _shared(copied: list[Module]) -> set[str]:
    """The modules, but for the first, that have to stay in the library."""
    names = {one.name for one in copied}
    bases = {base for one in copied for base in _modules_of_bases(one)}
    others = {one.name for one in copied if {user.name for user in users(one)} - names - public_modules()}
    return (bases | others) & (names - {copied[0].name})


def _modules_of_bases(module: Module) -> Iterator[str]:
    """Where the base classes are that a module has from others."""
    for node in ast.walk(module.tree or ast.Module([], [])):
        if isinstance(node, ast.ClassDef):
            yield from (one.module.name for one in ancestors(Definition(module, node)) if one and one.module != module)


def _relative(module: Module) -> str:
    """How a module depends on its own place; empty where it does not."""
    for node in ast.walk(module.tree or ast.Module([], [])):
        match node:
            case ast.Name(name) if name in OWN_PLACE:
                return f"{module.name}, line {node.lineno}, uses {name}, which a copy of it would have otherwise"
            case ast.Call(ast.Name(name) | ast.Attribute(attr=name), [first, *_]) if name == "import_module":
                if not _is_absolute(first):
                    what = ast.unparse(first)
                    return f"{module.name}, line {node.lineno}, imports {what}, which a copy of it would not find"
    return ""


def _is_absolute(name: ast.expr) -> bool:
    """Whether what is imported is certainly not relative to the module."""
    first = name.values[0] if isinstance(name, ast.JoinedStr) and name.values else name
    return isinstance(first, ast.Constant) and not str(first.value).startswith(".")


def _tested_elsewhere(module: Module, copied: list[Module]) -> str:
    """Where the library asks whether something is of a class of a module, which a copy would not be; or empty."""
    for other in users(module):
        if other not in copied:
            names = {use.alias.asname or use.name: use.name for use in uses(other) if use.module == module}
            for name in (names[name] for name in _tested(other) if name in names):
                if isinstance(module.names[name][0], ast.ClassDef):
                    return f"{other.name} treats every {name} in its own way, and a copy of it would be none"
    return ""


def _tested(module: Module) -> Iterator[str]:
    """Names of classes of which a module asks whether something is one."""
    for node in ast.walk(module.tree or ast.Module([], [])):
        match node:
            case ast.Call(ast.Name("isinstance" | "issubclass"), [_, kinds]):
                yield from _names(kinds)
            case ast.MatchClass(kind) | ast.ExceptHandler(kind) if kind:
                yield from _names(kind)


def _names(node: ast.expr) -> Iterator[str]:
    yield from (one.id for one in ast.walk(node) if isinstance(one, ast.Name))
