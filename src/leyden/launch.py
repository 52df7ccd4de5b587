import os
from pathlib import Path
from typing import Any

from .build import build
from .launchers.launcher import Launcher
from .rundir import RunDirectory


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
    """Trains runs of one launcher."""
    os.chdir(root)
    return _launcher(runs[0].config).launch(runs)


def describe(configs: list[dict[str, Any]], root: Path) -> str:
    """What `launch_all` would execute or submit for runs with these configurations."""
    os.chdir(root)
    paths = [root / config["runs"] / config["name"] / f"RUN-{number}" for number, config in enumerate(configs)]
    return _launcher(configs[0]).describe(paths)


def _launcher(config: dict[str, Any]) -> Launcher:
    return build(config["launcher"], {})
