"""Pruning of a trial by the search that it belongs to."""

import logging
from pathlib import Path
from typing import Any

import yaml

from ..callbacks import Pruning
from ..config.references import resolve
from ..io import disk_error
from .directory import RunDirectory
from .history import STUDY
from .search_storage import frozen_trial, open_study, open_trial

log = logging.getLogger("leyden")


def pruning(run: RunDirectory) -> list[Pruning]:
    """Return the callback of a trial that its search may prune; empty for any other run."""
    if (trial := run.status.get("trial")) is None:
        return []
    folder = run.path.parent.parent
    try:
        study = yaml.safe_load((folder / STUDY).read_text(encoding="utf-8"))
    except OSError:  # the run was moved out of its study
        return [Pruning(lambda *_: False, "")]
    monitor, *others = study["objectives"]
    if others or study["search"]["pruner"] == "none" or not monitor.startswith("val/"):
        return []
    return [Pruning(_Question(folder, study["search"], trial), monitor)]


class _Question:
    """Ask Optuna whether to prune a trial, given a value of the metric.

    Args:
        folder: The study's folder.
        settings: Frozen settings of the search.
        number: The trial's number.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], number: int) -> None:
        self.folder, self.settings, self.number = folder, settings, number
        self.study: Any = None

    def __call__(self, step: int, value: float) -> bool:
        try:
            return self._is_pruned(step, value)
        except Exception as error:  # a lost storage costs the pruning, not the training
            if not disk_error(error):
                log.exception("the search could not be asked whether to prune this run")
            else:
                log.warning("the search could not be asked whether to prune this run: %s", error)
            return False

    def _is_pruned(self, step: int, value: float) -> bool:
        if self.study is None:
            self.study = open_study(self.folder, resolve(self.settings))
        frozen = frozen_trial(self.study, self.number)
        if frozen.state.is_finished():
            return False
        trial = open_trial(self.study, frozen)
        if step not in frozen.intermediate_values and value == value:  # a resumed run reports a validation again
            trial.report(value, step)
        return trial.should_prune()
