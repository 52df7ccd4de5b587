"""Train an experiment from Python."""

import warnings
from contextlib import chdir
from pathlib import Path
from typing import Any

from ..errors import UserError
from .checked import checked_run
from .directory import RunDirectory
from .harmless_warnings import silence_lightning


def train(experiment: str, *settings: str) -> Path:
    """Train and test an experiment in this process, with bitwise the same results as `leyden train`.

    Args:
        experiment: Name of a file in `configs/experiment/`, such as `vision/digits`.
        settings: Overrides as for `leyden train`, such as `"trainer.max_epochs=5"`.

    Returns:
        The run directory, which `leyden.load` accepts; `results.json` in it contains the metrics.

    Raises:
        UserError: The settings have errors, all of which are listed, describe a search, or need several processes or a cluster.
    """
    composed = checked_run([f"experiment={experiment}", *settings])
    _require_this_process(composed.config)
    root = composed.root
    from .worker import Worker  # imports torch: seconds

    run = RunDirectory.create(composed.frozen, root, ["leyden", "train", experiment, *settings])
    with chdir(root), warnings.catch_warnings():  # relative paths in settings start there
        silence_lightning()
        worker, code = Worker(run, trains=True), 1
        try:
            worker.fit()
            code = 0
        finally:
            worker.finish(code)
    return run.path


def _require_this_process(config: dict[str, Any]) -> None:
    launcher, devices = config["launcher"]["_target_"].rsplit(".", 1)[-1], config["trainer"].get("devices", 1)
    if launcher != "Local" or (devices if isinstance(devices, int) else len(devices)) != 1:
        raise UserError(
            f"leyden.train runs in this process: expected one device of this machine, got {launcher} with"
            f" trainer.devices={devices}. Use the command line instead: leyden train {config['name']}"
        )
