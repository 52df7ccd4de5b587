"""docs/reference.md lists the public API. To write it anew: python tests/test_reference.py"""

import ast
from itertools import groupby
from pathlib import Path

import leyden
from leyden.cli.library_names import public
from leyden.config.static.source import find

PAGE = Path(__file__).parent.parent / "docs" / "reference.md"
HEAD = """\
# Public API

What projects import, subclass or name in YAML. These names, their arguments and the attributes in their docstrings change only with a
line in CHANGELOG.md; everything else in `leyden` may change at any time. `leyden eject NAME` copies any of them into a project.
The arguments of a class are in its docstring, and in the YAML file that names it.
"""
BAR = "\\|"  # of a table's cell


def entries():
    """(package, name, class or function) of everything public, the top of the library first."""
    for name in leyden.__all__:
        if not name.startswith("__"):
            place = leyden.PLACES[name]
            yield "leyden", name, find(f"leyden.{place}.{name}")
    for name, definition in sorted(public().items(), key=lambda item: item[0].rpartition(".")[::2]):
        yield *name.rpartition(".")[::2], definition


def summary(definition):
    node = definition.node
    if not isinstance(node, ast.ClassDef | ast.FunctionDef):
        return f"`{ast.unparse(node).replace('|', BAR)}`"
    text = (ast.get_docstring(node) or "").partition("\n\n")[0]
    return " ".join(text.split()).partition(": source")[0].replace("|", BAR)


def page():
    lines = [HEAD]
    for package, group in groupby(entries(), key=lambda entry: entry[0]):
        lines += [f"## {package}", "", "| name | |", "|---|---|"]
        lines += [f"| `{name}` | {summary(definition)} |" for _, name, definition in group]
        lines += [""]
    return "\n".join(lines)


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tests/test_reference.py"


def test_every_public_name_has_a_summary():
    assert not [f"{package}.{name}" for package, name, definition in entries() if not summary(definition)]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
