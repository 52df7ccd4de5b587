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
    """Executes a frozen run directory: trains where its launcher says, and does everything else in this process.

    The code is that of the run's copy: also what launches it.

    Args:
        run: the run directory.
        verb: `train`, which goes on from the last checkpoint where there is one, `validate`, `test` or `predict`.
        root: the project's folder, in which relative paths of the configuration begin.
        live: whether this command uses the working tree instead.
        **options: of the verb.

    Returns:
        The exit code: 0 only if all that was asked was done, or submitted.
    """
    os.chdir(root)
    if live:
        return carry_out(run.path, verb, **options)
    with _own(run, "launch.launch") as own:
        return own.carry_out(run.path, verb, **options)


def carry_out(path: Path, verb: str, **options: Any) -> int:
    """Does what `launch` says with the code that is imported here."""
    if verb == "train":
        return train([path])
    from ..run.execute import execute  # imports torch: seconds

    return execute(RunDirectory(path), verb, **options)


def train(paths: list[Path]) -> int:
    """Trains run directories with the code that is imported here: those whose launchers are alike together."""
    runs, codes = [RunDirectory(path) for path in paths], []
    for config, members in _alike([run.config for run in runs], runs):
        try:
            codes.append(build(config, {}).launch(members, is_alone=len(runs) == 1))
        except UserError as error:  # as of one partition of several: the others may be submitted
            print(error, file=sys.stderr)
            codes.append(2)
        if codes[-1] in STOPPED:  # from outside, as are those that have not begun
            break
    return max(codes)


def change(run: RunDirectory, overrides: list[str], root: Path) -> None:
    """Changes where a run is trained; see `relocate`. What is allowed is read in the run's own code."""
    with _own(run, "run.override_on_resume") as own:
        own.relocate(run, overrides, root)


def launch_all(runs: list[RunDirectory], root: Path) -> int:
    """Trains runs of one moment: their copies of the code are the same."""
    os.chdir(root)
    with _own(runs[0], "launch.launch") as own:
        return own.train([run.path for run in runs])


@contextmanager
def _own(run: RunDirectory, name: str) -> Iterator[ModuleType]:
    """A module of the run's copy of the code, whose exceptions are not those of this one."""
    with imported_from(run.path) as module:
        try:
            yield module(name)
        except module("errors").UserError as error:
            raise UserError(str(error)) from None


def describe(configs: list[dict[str, Any]], root: Path, live: bool = False) -> str:
    """What `launch_all` would execute or submit for runs with these configurations."""
    os.chdir(root)
    configs = [resolve(config, root) for config in configs]
    paths = [runs_folder(config, root) / config["name"] / f"RUN-{number}" for number, config in enumerate(configs)]
    return "\n".join(build(config, {}).describe(members, live) for config, members in _alike(configs, paths))


def _alike(configs: list[dict[str, Any]], items: list[Any]) -> list[tuple[dict[str, Any], list[Any]]]:
    """Launchers, each with the items that it is for, in the order in which they come."""
    groups: list[tuple[dict[str, Any], list[Any]]] = []
    for config, item in zip(configs, items, strict=True):
        members = next((members for launcher, members in groups if launcher == config["launcher"]), None)
        if members is None:
            groups.append((config["launcher"], members := []))
        members.append(item)
    return groups
