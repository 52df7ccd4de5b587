"""A sweep over every combination of settings: the runs of a study that is no search."""

from typing import Any

from ...config.compose import combinations, is_sweep, parsed_value
from ...errors import UserError
from ...run.checked import checked
from ...run.results import read_results
from .objectives import selection
from .prepare import Base, without_search
from .rows import Row
from .space import Choices
from .study_directory import StudyDirectory


def plan_grid(overrides: list[str]) -> tuple[list[Base], list[list[str]], list[Choices]]:
    """Compose and check every combination of the values of overrides in Hydra's sweep syntax.

    Returns:
        The configurations, their overrides, and what is varied in each.

    Raises:
        UserError: A configuration has errors; all of them are listed.
    """
    planned: list[tuple[list[str], dict[str, Any]]] = []
    messages: list[str] = []
    swept = [_name(word) for word in overrides if is_sweep(word)]
    if not swept:
        raise UserError(
            "no setting is varied: give several values, such as seed=0,1,2, or choose a search, such as search=tpe"
        )
    words = combinations(overrides)
    for combination in words:
        try:
            config = without_search(checked(combination, looks_for_files=not planned or "init_from" in swept).frozen)
        except UserError as error:
            messages += str(error).splitlines()
            continue
        if equal := [other for other, planned_config in planned if planned_config == config]:
            messages.append(_doubled(equal[0], combination, swept))
        planned.append((combination, config))
    if messages:
        raise UserError("\n".join(dict.fromkeys(messages)))
    choices = [{name: _value(word) for word in combination if (name := _name(word)) in swept} for combination in words]
    return [Base({}, config) for _, config in planned], words, choices


def _doubled(first: list[str], second: list[str], swept: list[str]) -> str:
    texts = [" ".join(word for word in words if _name(word) in swept) for words in (first, second)]
    return f"{texts[0]} and {texts[1]} are the same run: leave one out"


def _name(word: str) -> str:
    return word.lstrip("+").partition("=")[0]


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
