"""Mean and interval of groups of runs whose seeds or folds differ."""

import math

from ...errors import UserError
from ..measured import measured
from ..names import REPEATS
from ..records import Record
from ..table import main_metrics, varied
from .elements import Html, element, section, table
from .outcome import number


def grouping(records: list[Record]) -> list[str]:
    """Return what separates groups of runs: settings that differ, other than seeds and folds."""
    names = [name for name in varied(records) if name not in REPEATS and not name.endswith(".seed")]
    is_mixed = len({record.experiment for record in records}) > 1
    return [*["experiment"] * is_mixed, *names]


def comparison(records: list[Record]) -> Html:
    """Return the section."""
    metrics = [name for name in main_metrics(records) if any(name in record.metrics for record in records)]
    if not metrics:
        return section("Comparison", element("p", "No run has a metric to compare yet."))
    try:
        from ..comparison import groups
    except ModuleNotFoundError as error:
        return section("Comparison", element("p", f"Intervals need {error.name}: install leyden[study]."))
    parts = []
    for metric in reversed(metrics):  # of the test split first
        compared, left_out = measured(records, metric)
        parts.append(element("h3", metric))
        try:
            made = groups(compared, grouping(compared) or ["experiment"], metric, None)
        except UserError as error:
            parts.append(element("p", f"Not compared: {error}."))
            continue
        rows: list[list[object]] = [
            [group.name, group.summary.n, number(group.summary.mean), *_spread(group.summary)] for group in made
        ]
        if any(group.summary.n > 1 for group in made) or len(made) == 1:
            parts.append(_table(rows, made))
        else:
            parts.append(element("p", "No runs differ only in seed or fold, so there is nothing to average."))
        if left_out:
            parts.append(element("p", f"{left_out[:1].upper()}{left_out[1:]}.", class_="note"))
    sentence = "Mean over runs that differ only in seed or fold, with the 95 % interval of the mean (Student's t)."
    return section("Comparison", *parts, sentence=sentence)


def _table(rows: list[list[object]], made: list) -> Html:
    ends = [
        value for group in made for value in (*group.summary.t_interval, group.summary.mean) if not math.isnan(value)
    ]
    low, high = min(ends), max(ends)
    span = (high - low) or 1
    for row, group in zip(rows, made, strict=True):
        row.append(_drawn(group.summary, low, span))
    heads = ["group", "n", "mean", "std", "95 % interval", f"from {number(low)} to {number(high)}"]
    return table(heads, rows, data_sortable=True)


def _spread(summary) -> list[str]:
    if math.isnan(summary.std):
        return ["", "one run"]
    return [number(summary.std), f"{number(summary.t_interval[0])} to {number(summary.t_interval[1])}"]


def _drawn(summary, low: float, span: float) -> Html:
    parts = []
    if not math.isnan(summary.std):
        begin, end = ((value - low) / span for value in summary.t_interval)
        parts.append(element("i", style=f"left:{begin:.1%};width:{end - begin:.1%}"))
    parts.append(element("b", style=f"left:{(summary.mean - low) / span:.1%}"))
    return element("div", *parts, class_="interval", aria_hidden="true", style="height:1.2rem")
