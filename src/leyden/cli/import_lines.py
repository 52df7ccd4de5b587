"""Changes where a source text imports names from, and leaves every other line as it is.

Statements that change are merged and sorted as isort and ruff do: ruff is a tool of development, and need not be there.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

WIDTH = 120  # of a line, as pyproject.toml has it
Key = tuple[object, ...]


@dataclass(frozen=True)
class Line:
    """An import statement of one module.

    Args:
        section: 0 for `__future__`, 1 for the standard library, 2 for other packages, 3 for the project's, 4 for
            relative ones.
        module: from which names are imported, with its leading dots; empty for `import module`.
        names: each with the name that it gets, or None.
        above: comment lines above it.
        beside: the comment at its end.
        text: as it was written, if it may stay so.
    """

    section: int
    module: str
    names: tuple[tuple[str, str | None], ...]
    above: tuple[str, ...] = ()
    beside: str = ""
    text: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """The order of statements."""
        name = self.module or self.names[0][0]
        dots = len(name) - len(name.lstrip("."))
        rest = name.lstrip(".")
        return self.section, bool(self.module), -dots, _natural(rest.lower()), _natural(rest), *self.alias

    @property
    def alias(self) -> Key:
        """Names that are renamed stand alone, after the others."""
        (name, alias), *_ = self.names
        return () if not self.module or alias is None else (_order(name), alias)

    def written(self, indent: str) -> list[str]:
        if self.text:
            return [*self.above, *self.text]
        names = [name if alias is None else f"{name} as {alias}" for name, alias in self.names]
        begin = f"{indent}from {self.module} import" if self.module else f"{indent}import"
        beside = f"  {self.beside}" if self.beside else ""
        if len(short := f"{begin} {', '.join(names)}") <= WIDTH or not self.module:
            return [*self.above, short + beside]
        return [*self.above, f"{begin} ({beside}", *(f"{indent}    {name}," for name in names), f"{indent})"]


def moved(text: str, place: Callable[[ast.ImportFrom, ast.alias], str], own: set[str]) -> str:
    """The text with its names imported from other places.

    Args:
        text: of a module.
        place: statement and name in it -> the module to import from, with its dots; empty where it stays.
        own: names of packages that are the project's.
    """
    lines = text.split("\n")
    for run in reversed(list(_runs(ast.parse(text)))):
        known = [place(node, alias) for node in run if isinstance(node, ast.ImportFrom) for alias in node.names]
        if any(known):
            first = _first_line(lines, run[0])
            statements = [one for node in run for one in _read(lines, node, place, own)]
            indent = " " * run[0].col_offset
            lines[first : run[-1].end_lineno] = _written(statements, indent)
    return "\n".join(lines)


def _runs(tree: ast.Module) -> Iterator[list[ast.Import | ast.ImportFrom]]:
    """Import statements that follow one another, in the order of the text."""
    found = []
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            run: list[ast.Import | ast.ImportFrom] = []
            body = getattr(node, field, None)
            for statement in body if isinstance(body, list) else []:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    run.append(statement)
                elif run:
                    found.append(run)
                    run = []
            found += [run] if run else []
    return iter(sorted(found, key=lambda run: run[0].lineno))


def _first_line(lines: list[str], node: ast.stmt) -> int:
    """The index of a statement's line, or of the first of the comments right above it."""
    first = node.lineno - 1
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return first


def _read(
    lines: list[str],
    node: ast.Import | ast.ImportFrom,
    place: Callable[[ast.ImportFrom, ast.alias], str],
    own: set[str],
) -> Iterator[Line]:
    """A statement as one for each place of its names."""
    end = node.end_lineno or node.lineno
    above = tuple(lines[_first_line(lines, node) : node.lineno - 1])
    beside = lines[end - 1].encode()[node.end_col_offset :].decode().strip()
    text = tuple(lines[node.lineno - 1 : end])
    names = [(alias.name, alias.asname) for alias in node.names]
    if isinstance(node, ast.Import):
        yield Line(_section(names[0][0], own), "", tuple(names), above, beside, text)
        return
    old = "." * node.level + (node.module or "")
    places: dict[str, list[tuple[str, str | None]]] = {}
    for alias in node.names:
        places.setdefault(place(node, alias) or old, []).append((alias.name, alias.asname))
    for module, imported in places.items():
        kept = text if module == old and len(places) == 1 else ()
        yield Line(_section(module, own), module, tuple(imported), above, beside, kept)
        above = ()


def _section(module: str, own: set[str]) -> int:
    first = module.partition(".")[0]
    if not first:
        return 4
    return 0 if first == "__future__" else 1 if first in sys.stdlib_module_names else 3 if first in own else 2


def _written(statements: list[Line], indent: str) -> list[str]:
    lines: list[str] = []
    section = None
    for one in sorted(_merged(statements), key=lambda one: one.key):
        lines += [""] if section not in (None, one.section) else []
        lines += one.written(indent)
        section = one.section
    return lines


def _merged(statements: list[Line]) -> list[Line]:
    """One statement for each module; a name that is renamed has one of its own."""
    found: dict[Key, Line] = {}
    for one in statements:
        is_alone = sum(other.module == one.module for other in statements) == 1
        if not one.module or (one.text and is_alone):
            found[id(one),] = one
            continue
        for number, (name, alias) in enumerate(one.names):
            key = one.module, alias and name, alias
            other = found.get(key, replace(one, names=(), above=(), text=()))
            comments = dict.fromkeys(filter(None, (other.beside, one.beside)))
            above = tuple(dict.fromkeys((*other.above, *(one.above if number == 0 else ()))))
            names = sorted({*other.names, (name, alias)}, key=lambda pair: _order(pair[0]))
            found[key] = replace(other, names=tuple(names), above=above, beside="  ".join(comments))
    return list(found.values())


def _order(name: str) -> Key:
    """Constants, then classes, then the rest, as isort has them."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[:1].isupper() else 2
    return kind, _natural(name.lower()), _natural(name)


def _natural(text: str) -> Key:
    """Numbers in a text count as numbers."""
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text))
