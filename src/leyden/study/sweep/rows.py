"""Results of the runs of a study. Torch-free."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from ..names import REPEATS, short_names
from .space import Choices


@dataclass(frozen=True)
class Row:
    """The result of a run of a study.

    Attributes:
        number: Of the trial.
        state: As in its `status.json`; `unfinished` if it has not ended, `infeasible` if it does not meet
            the constraints.
        values: Objective -> value; of a pruned trial, the last one.
        choices: What is varied -> its value.
        seconds: Duration of the training.
        error: Of a failed run.
        path: The run directory.
        metrics: Further metrics, such as those of the test split.
    """

    number: int
    state: str
    values: dict[str, float]
    choices: Choices
    seconds: float | None
    error: str
    path: Path
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return self.state == "finished" and bool(self.values)


def averaged(rows: list[Row]) -> list[Row]:
    """Return a row for each setting: the first of its completed runs, with the means over their seeds or folds.

    The best single run would only have the luckiest seed, as would a setting whose other seeds failed. Settings with
    fewer completed runs than others are excluded.
    """
    settings: dict[str, list[Row]] = {}
    for row in rows:
        if row.is_complete:
            settings.setdefault(str(_setting(row)), []).append(row)
    most = max(map(len, settings.values()), default=0)
    return [
        replace(
            members[0],
            choices=_setting(members[0]),
            values={name: fmean(row.values[name] for row in members) for name in members[0].values},
        )
        for members in settings.values()
        if len(members) == most
    ]


def _setting(row: Row) -> Choices:
    return {name: value for name, value in row.choices.items() if name not in REPEATS}


def best_rows(rows: list[Row], objectives: dict[str, str]) -> list[Row]:
    """Return the best run; with several objectives, the Pareto-optimal runs, sorted by the first objective
    first."""
    complete = [row for row in rows if row.is_complete and row.values.keys() >= objectives.keys()]
    ordered = sorted(complete, key=lambda row: (_costs(row, objectives), row.number))
    if len(objectives) == 1:
        return ordered[:1]
    return [row for row in ordered if not any(_dominates(other, row, objectives) for other in complete)]


def _costs(row: Row, objectives: dict[str, str]) -> list[float]:
    return [row.values[name] * (1 if mode == "min" else -1) for name, mode in objectives.items()]


def _dominates(row: Row, other: Row, objectives: dict[str, str]) -> bool:
    pairs = list(zip(_costs(row, objectives), _costs(other, objectives), strict=True))
    return all(mine <= theirs for mine, theirs in pairs) and any(mine < theirs for mine, theirs in pairs)


def describe(row: Row, rows: list[Row], objectives: dict[str, str], limit: int | None) -> str:
    """Return a line about a run that has ended: number, values, the best so far, what was varied."""
    head = f"trial {row.number}" + (f" ({sum(r.state != 'unfinished' for r in rows)} of {limit})" if limit else "")
    words = [head, *(f"{name} {number(value)}" for name, value in row.values.items())]
    if row.state != "finished":
        words.insert(1, row.state)
    if (best := best_rows(rows, objectives)) and len(objectives) == 1:
        (name,) = objectives
        words.append("best" if best[0].number == row.number else f"best {number(best[0].values[name])}")
    names = short_names(row.choices)
    words.append(" ".join(f"{names[name]}={number(value)}" for name, value in row.choices.items()))
    if row.seconds is not None:
        words.append(f"{row.seconds:.1f} s")
    if row.error:
        words.append(row.error)
    return "  ".join(words)


def number(value: Any) -> str:
    """Format a value with four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
