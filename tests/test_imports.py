"""Imports follow the way of a run: see the architecture in README.md."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import leyden

PACKAGE = Path(leyden.__file__).parent
WAY = ("errors", "io", "config", "run", "launch", "study", "cli", "__main__")
PARTS = {
    **{part: set() for part in ("data", "networks", "optim", "metrics", "callbacks", "loggers")},
    "tasks": {"optim", "metrics"},
}
# What brings the parts together, and commands that need one of them.
JOINING = {
    *(
        "run/worker.py",
        "run/pruning.py",
        "run/preprocessing.py",
        "run/init_from.py",
        "run/predictor.py",
        "cli/inspect_data.py",
        "cli/sync.py",
    ),
    *(f"cli/tour/{name}.py" for name in ("first_step", "batch_sections", "loss_by_hand", "drawings")),
}
# What a run needs beside torch; all else on the way answers without it.
HEAVY = {
    "worker",
    "predict",
    "checkpoint",
    "cluster_environment",
    "configured_callbacks",
    "data_wait_profiler",
    "hardware",
    "initial_weights",
    "predictor",
    "pruning",
    "simulated_rates",
    "trainer_settings",
    *(
        "first_step",
        "layers",
        "loss_by_hand",
        "drawings",
        "batch_sections",
        "step_sections",
        "sections",
        "result",
    ),  # of the tour
}


def imported_rooms(file: Path) -> set[str]:
    """First names below the package that a file imports, relative or absolute, other than for its annotations."""
    tree, rooms = ast.parse(file.read_text(encoding="utf-8")), set()
    here = file.relative_to(PACKAGE).parts
    typing_only = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    skipped = {child for node in typing_only for child in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in skipped:
            base = list(here[: len(here) - node.level]) if node.level else []
            path = [*base, *(node.module or "").split(".")]
            if node.level or path[0] == PACKAGE.name:
                path = [name for name in path if name and name != PACKAGE.name]
                rooms |= {path[0]} if path else {alias.name for alias in node.names}
    return rooms


def imported(file: Path) -> set[str]:
    """First names of all modules that a file imports absolutely."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in names}


def test_every_module_is_in_a_room():
    names = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or any(path.glob("**/*.py"))}
    assert names - {"__pycache__", "__init__"} == {*WAY, *PARTS, "testing"}


def test_pytest_is_for_the_contract_tests_alone():
    assert "pytest" in imported(PACKAGE / "testing" / "contract.py")
    for file in PACKAGE.rglob("*.py"):
        if not file.is_relative_to(PACKAGE / "testing"):
            assert "pytest" not in imported(file), file


@pytest.mark.parametrize("part", PARTS)
def test_parts_know_nothing_of_one_another(part):
    for file in (PACKAGE / part).rglob("*.py"):
        assert imported_rooms(file) <= {part, "errors", "io", *PARTS[part]}, file


@pytest.mark.parametrize("room", WAY)
def test_imports_follow_the_way_of_a_run(room):
    for file in [*(PACKAGE / room).rglob("*.py"), *PACKAGE.glob(f"{room}.py")]:
        allowed = {*WAY[: WAY.index(room) + 1]}
        if str(file.relative_to(PACKAGE)) in JOINING:
            allowed |= PARTS.keys()
        assert imported_rooms(file) <= allowed, file


def test_the_rule_can_fail():
    assert imported_rooms(PACKAGE / "run" / "worker.py") >= {"data", "callbacks", "run"}


def test_the_front_never_imports_torch():
    files = [path for room in WAY for path in [*(PACKAGE / room).rglob("*.py"), *PACKAGE.glob(f"{room}.py")]]
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files]
    front = [name for name in names if name.rpartition(".")[2] not in {*HEAVY, "__main__", "__init__"}]
    code = f"import sys, importlib\nfor name in {front}:\n  importlib.import_module(name)\n  assert 'torch' not in sys.modules, name"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
