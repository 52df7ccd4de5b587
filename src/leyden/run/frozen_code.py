"""Execute a run with its copy of the project's packages, independent of later changes to the working tree."""

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

# Module names in the code of runs created before version 0.2.
OLD_MODULES = {
    "run.directory": "rundir",
    "run.execute": "execute",
    "run.override_on_resume": "relocate",
    "run.worker": "worker",
    "launch.launch": "launch",
    "study.sweep.execute": "study.execute",
}


def is_live(run: Path) -> bool:
    """Whether a run uses the working tree (`--live`)."""
    try:
        return bool(json.loads((run / "status.json").read_bytes()).get("live"))
    except (OSError, ValueError, AttributeError):  # the file is missing or damaged
        return False


def source(run: Path) -> Path | None:
    """Return the folder from which a run imports the project's packages; None for the working tree."""
    return None if is_live(run) else CodeCopy(run.absolute()).source


def packages(run: Path) -> set[str]:
    """Return the names of the project's packages that a run imports."""
    folder = source(run) or Path.cwd() / "src"
    return {path.name for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else set()


def environment(run: Path) -> dict[str, str]:
    """Return the environment variables of a process that executes a run."""
    folder = source(run)
    if not folder:
        return dict(os.environ)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}


@contextmanager
def imported_from(run: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Import the project's packages from the run's copy within this context.

    Modules that were already imported from the working tree are removed from `sys.modules` and restored on exit. They
    stay usable, but modules imported within the context, also by them, are those of the run.

    Args:
        run: The run directory.

    Yields:
        A function that imports a module of this package by its name in the package.
    """
    folder = source(run)

    def module(name: str) -> ModuleType:
        try:
            return import_module(f"leyden.{name}")
        except ModuleNotFoundError as error:
            is_old = folder and name in OLD_MODULES and f"leyden.{name}".startswith(str(error.name))
            if not is_old:
                raise
            return import_module(f"leyden.{OLD_MODULES[name]}")

    if not folder or str(folder) in sys.path:  # the process was started with `environment`
        yield module
        return
    packages = {path.stem for path in folder.iterdir()}
    removed = _remove_modules(packages)
    sys.path.insert(0, str(folder))
    invalidate_caches()
    try:
        yield module
    finally:
        sys.path.remove(str(folder))
        _remove_modules(packages)
        sys.modules.update(removed)


def _remove_modules(packages: set[str]) -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] in packages]
    return {name: sys.modules.pop(name) for name in names}


def record_live(run: "RunDirectory", verb: str) -> None:
    """Record that a command uses the working tree; a run resumed this way keeps using it."""
    with suppress(PermissionError), (run.path / "command.txt").open("a", encoding="utf-8") as file:
        file.write(shlex.join(["leyden", verb, str(run.path), "--live"]) + "\n")
    if verb == "resume":
        run.set_state(run.status["state"], live=True)


def remark(run: Path) -> str:
    """Return a remark if a run does not execute its copy of the code, else an empty string."""
    if is_live(run):
        return "this run uses the working tree, not its copy of the code: it was trained with --live"
    if not CodeCopy(run).listing.exists():
        return "this run has no copy of the code: it uses the working tree"
    if not CodeCopy(run).folder.is_dir():
        return f"the run's copy of the code is gone, {CodeCopy(run).folder}: it uses the working tree"
    return ""
