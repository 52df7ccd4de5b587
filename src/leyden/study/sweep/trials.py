"""The trials of a search: which one is next, and its result. Optuna chooses their values by ask and tell."""

import platform
import warnings
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...config.references import resolve
from ...errors import UserError
from ...launch.pool import OUTPUT
from ...run.directory import RunDirectory
from ...run.search_storage import frozen_trial, open_study, open_trial
from .constraints import constrained, constraints
from .objectives import DIRECTIONS, SECONDS, measure
from .prepare import configuration
from .rows import Row
from .settings import format_override
from .space import Space
from .study_directory import StudyDirectory

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, Trial

ENQUEUED = "enqueued"  # attribute of the Optuna study: the first trials are queued
STATES = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}  # of Optuna, in words of runs
ENDED = ("finished", "pruned", "failed")  # states of runs that are not continued


@dataclass
class ClaimedTrial:
    """A trial that this process trains.

    Attributes:
        number: The trial's number.
        run: Its run directory.
        held: Releases the run.
    """

    number: int
    run: RunDirectory
    held: ExitStack


class Trials:
    """The trials of a search, which several processes may share.

    Args:
        study: The study.
        root: The project's folder.

    Raises:
        UserError: The storage cannot be opened.
    """

    def __init__(self, study: StudyDirectory, root: Path) -> None:
        self.study, self.root = study, root
        self.search: dict[str, Any] = resolve(study.settings["search"])
        self.space = Space.from_json(study.settings["space"])
        self.objectives: dict[str, str] = study.settings["objectives"]
        self.constraints = constraints(self.search.get("constraints"))
        directions = [DIRECTIONS[mode] for mode in self.objectives.values()]
        with study.locked():
            self.optuna = open_study(study.path, self.search, directions)
            self._enqueue()

    def _enqueue(self) -> None:
        """Queue the combinations of a grid, or the experiment's own values, to be tried first."""
        if ENQUEUED in self.optuna.user_attrs:
            return
        own, _ = self.space.own(self.study.settings["own"])
        is_grid = self.search["sampler"] == "grid"
        for chosen in self.space.grid() if is_grid else [own] if own else []:
            stored = {name: self.space[name].stored(value) for name, value in chosen.items()}
            self.optuna.enqueue_trial(stored, skip_if_exists=True)
        self.optuna.set_user_attr(ENQUEUED, True)

    def all(self) -> "list[FrozenTrial]":
        """Return all trials that have begun, by number."""
        return [trial for trial in self.optuna.get_trials(deepcopy=False) if trial.state.name != "WAITING"]

    @property
    def is_complete(self) -> bool:
        """Whether no further trial will begin, and none is unfinished."""
        return self._is_exhausted() and all(trial.state.is_finished() for trial in self.all())

    def _is_exhausted(self) -> bool:
        limit = self.search["trials"]
        if limit is not None and len(self.all()) >= limit:
            return True
        is_waiting = len(self.all()) < len(self.optuna.get_trials(deepcopy=False))
        return self.search["sampler"] == "grid" and not is_waiting

    def next(self, active: set[int], may_begin: bool = True) -> ClaimedTrial | None:
        """Claim a trial: one that was stopped or whose process was killed, or a new one.

        Args:
            active: The numbers of those that this process trains.
            may_begin: Whether a new one may begin.

        Returns:
            The trial; None if there is none for this process.
        """
        with self.study.locked():
            for frozen in self.all():
                if frozen.state.is_finished() or frozen.number in active:
                    continue
                if claimed := self._claim(frozen):
                    if claimed.run.status["state"] not in ENDED:
                        return claimed
                    self.tell(claimed)  # its worker was killed before it could
                    claimed.held.close()
            if not may_begin or self._is_exhausted():
                return None
            number = self.optuna.ask().number
            return self._claim(frozen_trial(self.optuna, number))

    def _claim(self, frozen: "FrozenTrial") -> ClaimedTrial | None:
        """Claim the run of a trial, which is created if a killed process has not; None if another process holds it."""
        run = self.study.run(frozen.number) or self._create(frozen)
        with ExitStack() as stack:
            try:
                stack.enter_context(run.claimed(seconds=0))
            except UserError:
                return None
            return ClaimedTrial(frozen.number, run, stack.pop_all())

    def _create(self, frozen: "FrozenTrial") -> RunDirectory:
        self.optuna.sampler = _sampler(self.search["sampler"], self.search["seed"], frozen.number)
        chosen = self.space.suggest(open_trial(self.optuna, frozen))
        config = configuration(self.study.bases, chosen)
        words = [format_override(name, value) for name, value in chosen.items()]
        command = ["leyden", "train", *self.study.settings["overrides"], *words]
        return self.study.create_run(
            frozen.number, config, self.root, command, trial=frozen.number, tests=False, choices=chosen
        )

    def importances(self) -> dict[str, float]:
        """Return the share of each setting in the variation of the first objective (PED-ANOVA,
        https://arxiv.org/abs/2304.10255); empty with too few trials."""
        import optuna

        first = (lambda trial: trial.values[0]) if len(self.objectives) > 1 else None
        with warnings.catch_warnings(), suppress(ValueError, RuntimeError):
            warnings.simplefilter("ignore")
            return optuna.importance.get_param_importances(self.optuna, target=first)
        return {}

    def rows(self) -> list[Row]:
        """Return the results of all trials that have begun."""
        return [self._row(trial) for trial in self.all()]

    def _row(self, trial: "FrozenTrial") -> Row:
        values = dict(zip(self.objectives, trial.values or (), strict=False)) if trial.state.name != "FAIL" else {}
        state = STATES.get(trial.state.name, "unfinished")
        is_feasible = all(excess <= 0 for excess in trial.constraints.values())
        return Row(
            number=trial.number,
            state=state if is_feasible else "infeasible",
            values=values,
            choices={name: self.space[name].read(value) for name, value in trial.params.items()},
            seconds=trial.user_attrs.get("seconds"),
            error=trial.user_attrs.get("error", ""),
            path=self.study.place(trial.number).path,
            metrics={k: v for k, v in trial.user_attrs.get("constrained", {}).items() if k != SECONDS},
        )

    def tell(self, claimed: ClaimedTrial) -> bool:
        """Record the end of a trial, and return whether it has ended: its run may only have been stopped.

        A trial whose run has failed, or without a finite value, costs one trial.
        """
        import optuna

        frozen, status = frozen_trial(self.optuna, claimed.number), claimed.run.status
        if frozen.state.is_finished():
            return True
        if status["state"] not in ENDED:
            return False
        trial = open_trial(self.optuna, frozen)
        trial.set_user_attr("seconds", status.get("seconds"))
        trial.set_user_attr("host", status.get("host", platform.node()))
        values, state = None, {"pruned": "PRUNED", "failed": "FAIL"}.get(status["state"], "COMPLETE")
        if state == "FAIL":
            trial.set_user_attr("error", error_of(claimed.run))
        elif state == "COMPLETE":
            try:
                metrics = claimed.run.best.get("metrics", {})
                self._set_constraints(trial, constrained(self.constraints, metrics, status.get("seconds")))
                values = measure(metrics, status.get("seconds"), list(self.objectives))
            except UserError as error:
                state = "FAIL"
                trial.set_user_attr("error", str(error))
        self.optuna.tell(claimed.number, values, optuna.trial.TrialState[state])
        return True

    def _set_constraints(self, trial: "Trial", values: dict[str, float]) -> None:
        trial.set_user_attr("constrained", values)
        for number, limit in enumerate(self.constraints):
            trial.set_constraint(f"{number}", limit.excess(values[limit.name]))


def error_of(run: RunDirectory) -> str:
    """Return the error of a failed run: of its status, or else the last line that it wrote."""
    if error := run.status.get("error"):
        return error.partition("\n")[0]
    output = run.path / OUTPUT
    lines = output.read_text(encoding="utf-8", errors="replace").split("\n") if output.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "the process failed without a message")


def _sampler(name: str, seed: int, number: int) -> "BaseSampler":
    """Return the sampler of one trial. Its seed depends on the trial, so that a resumed search draws new values."""
    from optuna import samplers

    seed = (seed * 1_000_003 + number) % 2**32
    if name == "tpe":
        return samplers.TPESampler(seed=seed)
    if name == "cmaes":
        return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    return samplers.RandomSampler(seed=seed)
