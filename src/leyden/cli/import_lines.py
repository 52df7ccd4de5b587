"""Rewrite the import statements of a source file and keep every other line.

Changed statements are merged and sorted like isort and ruff, which may not be installed.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

LINE_LENGTH = 120  # as in pyproject.toml
Key = tuple[object, ...]


@dataclass(frozen=True)
class Line:
    """An import statement of one module.

    Args:
        section: 0 for `__future__`, 1 for the standard library, 2 for other packages, 3 for the project's packages, 4
            for relative imports.
        module: The module that names are imported from, with leading dots; empty for `import module`.
        names: Imported names, each with its alias or None.
        above: Comment lines above the statement.
        beside: The comment at its end.
        text: The original lines, if unchanged.
    """

    section: int
    module: str
    names: tuple[tuple[str, str | None], ...]
    above: tuple[str, ...] = ()
    beside: str = ""
    text: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """The sort key of statements."""
        name = self.module or self.names[0][0]
        dots = len(name) - len(name.lstrip("."))
        rest = name.lstrip(".")
        return self.section, bool(self.module), -dots, _natural(rest.lower()), _natural(rest), *self.alias

    @property
    def alias(self) -> Key:
        """The sort key of a name with an alias, which has its own statement after the others."""
        (name, alias), *_ = self.names
        return () if not self.module or alias is None else (_order(name), alias)

    def format(self, indent: str) -> list[str]:
        if self.text:
            return [*self.above, *self.text]
        names = [name if alias is None else f"{name} as {alias}" for name, alias in self.names]
        begin = f"{indent}from {self.module} import" if self.module else f"{indent}import"
        beside = f"  {self.beside}" if self.beside else ""
        if len(short := f"{begin} {', '.join(names)}") <= LINE_LENGTH or not self.module:
            return [*self.above, short + beside]
        return [*self.above, f"{begin} ({beside}", *(f"{indent}    {name}," for name in names), f"{indent})"]


def rewrite_imports(text: str, source: Callable[[ast.ImportFrom, ast.alias], str], own: set[str]) -> str:
    """Change the modules that names are imported from.

    Args:
        text: The source of a module.
        source: Maps a statement and a name in it to the module to import from, or to an empty string to keep it.
        own: Names of the project's packages.
    """
    lines = text.split("\n")
    for block in reversed(list(_blocks(ast.parse(text)))):
        sources = [source(node, alias) for node in block if isinstance(node, ast.ImportFrom) for alias in node.names]
        if any(sources):
            first = _first_line(lines, block[0])
            statements = [line for node in block for line in _read(lines, node, source, own)]
            indent = " " * block[0].col_offset
            lines[first : block[-1].end_lineno] = _format(statements, indent)
    return "\n".join(lines)


def _blocks(tree: ast.Module) -> Iterator[list[ast.Import | ast.ImportFrom]]:
    """Yield blocks of consecutive import statements, in source order."""
    blocks = []
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block: list[ast.Import | ast.ImportFrom] = []
            body = getattr(node, field, None)
            for statement in body if isinstance(body, list) else []:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    block.append(statement)
                elif block:
                    blocks.append(block)
                    block = []
            blocks += [block] if block else []
    return iter(sorted(blocks, key=lambda block: block[0].lineno))


def _first_line(lines: list[str], node: ast.stmt) -> int:
    """Return the index of a statement's first line, including comments directly above it."""
    first = node.lineno - 1
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return first


def _read(
    lines: list[str],
    node: ast.Import | ast.ImportFrom,
    source: Callable[[ast.ImportFrom, ast.alias], str],
    own: set[str],
) -> Iterator[Line]:
    """Split a statement by the new modules of its names."""
    end = node.end_lineno or node.lineno
    above = tuple(lines[_first_line(lines, node) : node.lineno - 1])
    beside = lines[end - 1].encode()[node.end_col_offset :].decode().strip()
    text = tuple(lines[node.lineno - 1 : end])
    names = [(alias.name, alias.asname) for alias in node.names]
    if isinstance(node, ast.Import):
        yield Line(_section(names[0][0], own), "", tuple(names), above, beside, text)
        return
    old = "." * node.level + (node.module or "")
    modules: dict[str, list[tuple[str, str | None]]] = {}
    for alias in node.names:
        modules.setdefault(source(node, alias) or old, []).append((alias.name, alias.asname))
    for module, imported in modules.items():
        kept = text if module == old and len(modules) == 1 else ()
        yield Line(_section(module, own), module, tuple(imported), above, beside, kept)
        above = ()


def _section(module: str, own: set[str]) -> int:
    first = module.partition(".")[0]
    if not first:
        return 4
    return 0 if first == "__future__" else 1 if first in sys.stdlib_module_names else 3 if first in own else 2


def _format(statements: list[Line], indent: str) -> list[str]:
    lines: list[str] = []
    section = None
    for statement in sorted(_merge(statements), key=lambda statement: statement.key):
        lines += [""] if section not in (None, statement.section) else []
        lines += statement.format(indent)
        section = statement.section
    return lines


def _merge(statements: list[Line]) -> list[Line]:
    """Merge the statements of each module; a name with an alias has its own statement."""
    merged: dict[Key, Line] = {}
    for statement in statements:
        is_alone = sum(other.module == statement.module for other in statements) == 1
        if not statement.module or (statement.text and is_alone):
            merged[id(statement),] = statement
            continue
        for index, (name, alias) in enumerate(statement.names):
            key = statement.module, alias and name, alias
            other = merged.get(key, replace(statement, names=(), above=(), text=()))
            comments = dict.fromkeys(filter(None, (other.beside, statement.beside)))
            above = tuple(dict.fromkeys((*other.above, *(statement.above if index == 0 else ()))))
            names = sorted({*other.names, (name, alias)}, key=lambda pair: _order(pair[0]))
            merged[key] = replace(other, names=tuple(names), above=above, beside="  ".join(comments))
    return list(merged.values())


def _order(name: str) -> Key:
    """Sort key of isort: constants, then classes, then other names."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[:1].isupper() else 2
    return kind, _natural(name.lower()), _natural(name)


def _natural(text: str) -> Key:
    """Sort key in natural order, in which numbers are compared by value."""
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text))
