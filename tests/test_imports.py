"""Imports follow the way of a run: see the architecture in README.md."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import leyden

PACKAGE = Path(leyden.__file__).parent
PARTS = ("data", "networks", "models", "callbacks", "loggers")
FRONT = (
    "cli",
    "code_copy",
    "code_diff",
    "disk",
    "frozen_code",
    "references",
    "redaction",
    "trust",
    "sync",
    "compose",
    "check",
    "guards",
    "annotations",
    "published",
    "rundir",
    "launch",
    "launchers",
    "preflight",
    "experiment",
    "errors",
    "installed",
    "execute",
    "inspect_data",
    "stop_request",
    "torchrun",
    "uncollected",
)


def imported_parts(file: Path) -> set[str]:
    """First names below the package that a file imports, relative or absolute."""
    found = set()
    here = file.relative_to(PACKAGE).parts
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = list(here[: len(here) - node.level]) if node.level else []
            path = [*base, *(node.module or "").split(".")]
            if node.level or path[0] == PACKAGE.name:
                path = [name for name in path if name and name != PACKAGE.name]
                found |= {path[0]} if path else {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("part", PARTS)
def test_parts_know_nothing_of_one_another(part):
    for file in (PACKAGE / part).rglob("*.py"):
        assert imported_parts(file) <= {part, "disk", "errors", "installed", "stop_request"}, file


def test_the_rule_can_fail(tmp_path):
    assert imported_parts(PACKAGE / "worker.py") >= {"data", "callbacks", "rundir"}


@pytest.mark.parametrize("module", FRONT)
def test_the_front_never_imports_torch(module):
    code = f"import sys, {leyden.__name__}.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
