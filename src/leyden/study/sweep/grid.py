"""A sweep over every combination of settings: the runs of a study that is no search."""

from pathlib import Path
from typing import Any

from ...config.check import problems
from ...config.compose import combinations, compose, is_sweep, parsed_value
from ...errors import UserError
from ...run.results import read_results
from .objectives import selection
from .prepare import Base
from .rows import Row
from .space import Choices
from .study_directory import StudyDirectory


def plan_grid(overrides: list[str], root: Path) -> tuple[list[Base], list[list[str]], list[Choices]]:
    """Compose and check every combination of the values of overrides in Hydra's sweep syntax.

    Returns:
        The configurations, their overrides, and what is varied in each.

    Raises:
        UserError: A configuration has errors; all of them are listed.
    """
    bases, messages = [], []
    swept = [word.lstrip("+").partition("=")[0] for word in overrides if is_sweep(word)]
    if not swept:
        raise UserError(
            "no setting is varied: give several values, such as seed=0,1,2, or choose a search, such as search=tpe"
        )
    words = combinations(overrides)
    for combination in words:
        composed = compose(combination, root)
        messages += problems(composed, looks_for_files=not bases)
        bases.append(Base({}, {name: value for name, value in composed.frozen.items() if name != "search"}))
    if messages:
        raise UserError("\n".join(dict.fromkeys(messages)))
    choices = [
        {name: _value(word) for word in combination if (name := word.lstrip("+").partition("=")[0]) in swept}
        for combination in words
    ]
    return bases, words, choices


def _value(word: str) -> Any:
    value = parsed_value(word)
    return getattr(value, "text", value)


def objectives_of(base: Base) -> dict[str, str]:
    """Return the metric by which runs are compared; empty if it is not known before they run."""
    try:
        return selection(base.config)
    except UserError:
        return {}


def grid_rows(study: StudyDirectory) -> list[Row]:
    """Return the results of the runs of a grid."""
    rows = []
    for number, choices in enumerate(study.settings["grid"]):
        if not (run := study.run(number)):
            continue
        status, validated = run.status, run.best.get("metrics", {})
        results = read_results(run.path)
        tested = results.get("test", {})
        metrics = tested.get("best") or tested.get("last") or {}
        values = {name: validated[name] for name in study.settings["objectives"] if validated.get(name) is not None}
        error = (status.get("error") or "").partition("\n")[0] if status["state"] == "failed" else ""
        rows.append(
            Row(
                number,
                status["state"],
                values,
                choices,
                status.get("seconds"),
                error,
                run.path,
                {name: value for name, value in metrics.items() if value is not None},
            )
        )
    return rows
