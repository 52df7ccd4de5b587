"""Optuna's side of a search: where its trials are stored, and when one is pruned. Imports Optuna on first use."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .status import wait_for_lock

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

JOURNAL = "journal.log"
STARTUP_TRIALS = 5  # complete trials that the median needs


def open_study(folder: Path, settings: dict[str, Any], directions: list[Any] | None = None) -> "Study":
    """Open the Optuna study of a search.

    Args:
        folder: The study's folder, whose name is that of the Optuna study.
        settings: Arguments of `Search` with resolved references.
        directions: `maximize` or `minimize` for each objective, to create the study if it does not exist.

    Raises:
        UserError: Optuna is not installed, or the storage cannot be opened.
    """
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise UserError(f"a search needs {error.name}: install leyden[study]") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url, name = settings.get("storage"), folder.name
    try:
        storage = optuna.storages.RDBStorage(url) if url else _journal(folder / JOURNAL)
        pruner = _pruner(settings.get("pruner", "none"), settings.get("min_validations", 1))
        if directions is None:
            return optuna.load_study(study_name=name, storage=storage, pruner=pruner)
        return optuna.create_study(
            study_name=name, storage=storage, pruner=pruner, directions=directions, load_if_exists=True
        )
    except KeyError:
        raise UserError(f"the storage of {folder} does not contain its study") from None
    except (ImportError, RuntimeError, ValueError) as error:
        if not url:
            raise
        raise UserError(f"search.storage cannot be opened: {str(error).splitlines()[0]}") from None


def frozen_trial(study: "Study", number: int) -> "FrozenTrial":
    """Return the trial of a number as it is stored."""
    return next(trial for trial in study.get_trials(deepcopy=False) if trial.number == number)


def open_trial(study: "Study", frozen: "FrozenTrial") -> "Trial":
    """Return a trial that another process may have asked for, to suggest, report or set attributes."""
    from optuna.trial import Trial

    return Trial(study, frozen._trial_id)


def _journal(path: Path) -> Any:
    from optuna.storages.journal import JournalFileBackend, JournalStorage

    return JournalStorage(JournalFileBackend(str(path), lock_obj=_journal_lock(path)))


def _journal_lock(path: Path) -> Any:
    from optuna.storages.journal import JournalFileOpenLock

    class Lock(JournalFileOpenLock):
        """A lock that the system releases when its process is killed; Optuna's own would stay for 30 seconds."""

        def acquire(self) -> bool:
            self.file = path.with_suffix(".lock").open("wb")
            wait_for_lock(self.file)
            remove_incomplete_line(path)
            return True

        def release(self) -> None:
            self.file.close()

    return Lock(str(path))


def remove_incomplete_line(path: Path) -> None:
    """Remove the end of a journal that a killed process or a full disk left incomplete: nobody has read it."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            return
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


def _pruner(name: str, min_validations: int) -> "BasePruner":
    from optuna import pruners

    if name == "median":
        return pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=min_validations - 1)
    if name == "hyperband":
        return pruners.HyperbandPruner(min_resource=min_validations)
    return pruners.NopPruner()
