"""Find syntax errors and imports that must fail in your own modules, without importing them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ...errors import hint
from .source import Module, NameMissingError, imported_module, load, look_up

INSTALLED = ("site-packages", "dist-packages")  # folders of libraries, which work or are not ours to check


@cache
def import_errors(dotted: str) -> list[str]:
    """Return why importing the module of a dotted name must fail; empty for libraries, or if no reason is known.

    The modules of the same package that it imports are read, too. Imports within functions, conditions and `try` are
    not: they may be meant to fail.
    """
    module, names = None, dotted.split(".")
    for count in range(1, len(names)):
        module = load(".".join(names[:count])) or module
    return list(_errors(module, set())) if module else []


def _errors(module: Module, visited: set[str]) -> Iterator[str]:
    if module.name in visited or not module.path or not _is_own(module):
        return
    visited.add(module.name)
    if error := _syntax_error(module):
        yield error
        return
    for statement in module.tree.body if module.tree else ():
        for source, name in _imports(module, statement):
            is_library = (first := source.partition(".")[0]) != module.name.partition(".")[0]
            # Libraries take long to read, and may make modules when they are imported.
            if text := _import_error(*((first, "") if is_library else (source, name))):
                yield f"{_place(module, statement.lineno)}: {text}"
            elif not is_library and (imported := load(f"{source}.{name}") or load(source)):
                yield from _errors(imported, visited)


def _is_own(module: Module) -> bool:
    first = module.name.partition(".")[0]
    return first != "leyden" and not any(part in INSTALLED for part in (module.path or Path()).parts)


def _syntax_error(module: Module) -> str:
    if module.tree:
        return ""
    try:
        ast.parse(module.text)
    except SyntaxError as error:
        return f"{_place(module, error.lineno)}: {error.msg}"
    except ValueError as error:  # a null byte
        return f"{module.path}: {error}"
    return ""


def _imports(module: Module, statement: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield the modules that a statement imports, each with the imported name, if any."""
    if isinstance(statement, ast.Import):
        yield from ((alias.name, "") for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom):
        yield from ((imported_module(module, statement), alias.name) for alias in statement.names)


def _import_error(source: str, name: str) -> str:
    if not (module := load(source)):
        return f"there is no module {source!r}; is it installed?"
    if name and name != "*" and not load(f"{source}.{name}"):
        try:
            look_up(module, name)
        except NameMissingError as error:
            return f"there is no {name!r} in {source}{hint(name, error.choices)}"
    return ""


def _place(module: Module, line: int | None) -> str:
    path = module.path or Path(module.name)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{shown}:{line}"
