"""Executes a run with the project's packages as they were when it was made, whatever has become of the working tree."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module, invalidate_caches
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .code_copy import CodeCopy

if TYPE_CHECKING:
    from .directory import RunDirectory

# Where a run that was made before version 0.2 has them.
BEFORE_ROOMS = {
    "run.directory": "rundir",
    "run.execute": "execute",
    "run.override_on_resume": "relocate",
    "run.worker": "worker",
    "launch.launch": "launch",
    "launch.sequential": "launchers.in_turn",
}


def is_live(run: Path) -> bool:
    """Whether a run uses the working tree, as `--live` says."""
    try:
        return bool(json.loads((run / "status.json").read_bytes()).get("live"))
    except (OSError, ValueError, AttributeError):  # there is none, or it is damaged
        return False


def source(run: Path) -> Path | None:
    """The folder from which a run imports the project's packages; None where it uses the working tree."""
    return None if is_live(run) else CodeCopy(run.absolute()).source


def environment(run: Path) -> dict[str, str]:
    """The environment variables of a process that executes a run."""
    folder = source(run)
    if not folder:
        return dict(os.environ)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}


@contextmanager
def imported_from(run: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Imports the project's packages from the run's copy for as long as it is entered.

    Modules that were already imported from the working tree are put aside, and come back in the end: they stay usable,
    but what is imported meanwhile, also by them, is the run's own.

    Args:
        run: the run directory.

    Yields:
        name of a module of this package -> the module.
    """
    folder = source(run)

    def module(name: str) -> ModuleType:
        try:
            return import_module(f"leyden.{name}")
        except ModuleNotFoundError:
            is_old = folder and not (folder / "leyden" / "run").exists()
            if not is_old or name not in BEFORE_ROOMS:
                raise
            return import_module(f"leyden.{BEFORE_ROOMS[name]}")

    if not folder or str(folder) in sys.path:  # a process that was started with its `environment`
        yield module
        return
    packages = {path.stem for path in folder.iterdir()}
    aside = _taken_out(packages)
    sys.path.insert(0, str(folder))
    invalidate_caches()
    try:
        yield module
    finally:
        sys.path.remove(str(folder))
        _taken_out(packages)
        sys.modules.update(aside)


def _taken_out(packages: set[str]) -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] in packages]
    return {name: sys.modules.pop(name) for name in names}


def go_live(run: "RunDirectory", verb: str) -> None:
    """Records that a command uses the working tree; a training that is resumed so goes on so."""
    with suppress(PermissionError), (run.path / "command.txt").open("a", encoding="utf-8") as file:
        file.write(shlex.join(["leyden", verb, str(run.path), "--live"]) + "\n")
    if verb == "resume":
        run.set_state(run.status["state"], live=True)


def remark(run: Path) -> str:
    """What is to be said of the code that a run executes; nothing where it is the run's copy."""
    if is_live(run):
        return "this run uses the working tree, not its copy of the code: it was trained with --live"
    if not CodeCopy(run).listing.exists():
        return "this run has no copy of the code: it uses the working tree"
    return ""
