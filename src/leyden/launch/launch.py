import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from ..config.build import build
from ..config.references import resolve
from ..errors import UserError
from ..run.directory import RunDirectory, runs_folder
from ..run.frozen_code import imported_from
from .launcher import STOPPED


def launch(run: RunDirectory, verb: str, root: Path, live: bool = False, **options: Any) -> int:
    """Execute a command on a run directory: train with its launcher, or do everything else in this process.

    The run's copy of the code is used, also for the launcher.

    Args:
        run: The run directory.
        verb: `train`, which resumes from the last checkpoint if there is one, `validate`, `test` or `predict`.
        root: The project's folder, to which paths in the configuration are relative.
        live: Whether to use the working tree instead of the run's copy of the code.
        **options: Options of the verb.

    Returns:
        The exit code: 0 if the command was completed or submitted.
    """
    os.chdir(root)
    if live:
        return carry_out(run.path, verb, **options)
    with own_module(run.path, "launch.launch") as own:
        return own.carry_out(run.path, verb, **options)


def carry_out(path: Path, verb: str, **options: Any) -> int:
    """Implement `launch` with the code that is imported here."""
    if verb == "train":
        return train([path])
    from ..run.execute import execute  # imports torch: seconds

    return execute(RunDirectory(path), verb, **options)


def train(paths: list[Path]) -> int:
    """Train run directories with the code that is imported here; runs with equal launchers are launched together."""
    runs, codes = [RunDirectory(path) for path in paths], []
    for config, members in _group_by_launcher([run.config for run in runs], runs):
        try:
            codes.append(build(config, {}).launch(members, is_alone=len(runs) == 1))
        except UserError as error:  # such as an invalid partition: the others may be submitted
            print(error, file=sys.stderr)
            codes.append(2)
        if codes[-1] in STOPPED:  # stopped from outside: the remaining runs are not started
            break
    return max(codes)


def change(run: RunDirectory, overrides: list[str], root: Path) -> None:
    """Override settings of a run before it is resumed, with the run's copy of the code; see `override_on_resume`."""
    with own_module(run.path, "run.override_on_resume") as own:
        override = getattr(own, "override_on_resume", None) or own.relocate  # the name in older runs
        override(run, overrides, root)


def launch_all(runs: list[RunDirectory], root: Path) -> int:
    """Train runs that were created together, with the same copy of the code."""
    os.chdir(root)
    with own_module(runs[0].path, "launch.launch") as own:
        return own.train([run.path for run in runs])


@contextmanager
def own_module(path: Path, name: str) -> Iterator[ModuleType]:
    """Import a module of the copy of the code of a run or a study, and convert its exceptions to those of this one."""
    with imported_from(path) as module:
        try:
            yield module(name)
        except module("errors").UserError as error:
            raise UserError(str(error)) from None


def describe(configs: list[dict[str, Any]], root: Path, live: bool = False) -> str:
    """Return what `launch_all` would execute or submit for runs with these configurations."""
    os.chdir(root)
    configs = [resolve(config, root) for config in configs]
    paths = [runs_folder(config, root) / config["name"] / f"RUN-{number}" for number, config in enumerate(configs)]
    groups = _group_by_launcher(configs, paths)
    return "\n".join(build(config, {}).describe(members, live) for config, members in groups)


def require_devices(configs: list[dict[str, Any]], root: Path) -> None:
    """Refuse runs with these configurations if they need more devices than their launcher knows to be there.

    Raises:
        UserError: There are too few.
    """
    for launcher, _ in _group_by_launcher(configs, configs):
        build(resolve(launcher, root), {}).require_devices()


def _group_by_launcher(configs: list[dict[str, Any]], items: list[Any]) -> list[tuple[dict[str, Any], list[Any]]]:
    """Group items by equal launchers, in order of first occurrence."""
    groups: list[tuple[dict[str, Any], list[Any]]] = []
    for config, item in zip(configs, items, strict=True):
        members = next((members for launcher, members in groups if launcher == config["launcher"]), None)
        if members is None:
            groups.append((config["launcher"], members := []))
        members.append(item)
    return groups
