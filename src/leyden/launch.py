import os
import sys
from pathlib import Path
from typing import Any, TypeVar

from .build import build
from .errors import UserError
from .launchers.launcher import STOPPED
from .rundir import RunDirectory, runs_folder

Item = TypeVar("Item")


def launch(run: RunDirectory, verb: str, root: Path, **options: Any) -> int:
    """Executes a frozen run directory: trains where its launcher says, and does everything else in this process.

    Args:
        run: the run directory.
        verb: `train`, which goes on from the last checkpoint where there is one, `validate`, `test` or `predict`.
        root: the project's folder, in which relative paths of the configuration begin.
        **options: of the verb.

    Returns:
        The exit code: 0 only if all that was asked was done, or submitted.
    """
    if verb == "train":
        return launch_all([run], root)
    os.chdir(root)
    from .execute import execute  # imports torch: seconds

    return execute(run, verb, **options)


def launch_all(runs: list[RunDirectory], root: Path) -> int:
    """Trains runs, each as its own configuration says: those whose launchers are alike together."""
    os.chdir(root)
    codes = []
    for config, members in _alike([run.config for run in runs], runs):
        try:
            codes.append(build(config, {}).launch(members, is_alone=len(runs) == 1))
        except UserError as error:  # as of one partition of several: the others may be submitted
            print(error, file=sys.stderr)
            codes.append(2)
        if codes[-1] in STOPPED:  # from outside, as are those that have not begun
            break
    return max(codes)


def describe(configs: list[dict[str, Any]], root: Path) -> str:
    """What `launch_all` would execute or submit for runs with these configurations."""
    os.chdir(root)
    paths = [runs_folder(config, root) / config["name"] / f"RUN-{number}" for number, config in enumerate(configs)]
    return "\n".join(build(config, {}).describe(members) for config, members in _alike(configs, paths))


def _alike(configs: list[dict[str, Any]], items: list[Item]) -> list[tuple[dict[str, Any], list[Item]]]:
    """Launchers, each with the items that it is for, in the order in which they come."""
    groups: list[tuple[dict[str, Any], list[Item]]] = []
    for config, item in zip(configs, items, strict=True):
        members = next((members for launcher, members in groups if launcher == config["launcher"]), None)
        if members is None:
            groups.append((config["launcher"], members := []))
        members.append(item)
    return groups
