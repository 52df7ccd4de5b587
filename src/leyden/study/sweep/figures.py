"""Figures of a study in `plots/`: history, importances, slices and parallel coordinates. Imports matplotlib on use."""

import math
import sys
import warnings
from collections.abc import Callable
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ..names import short_names
from .rows import Row, number
from .study_directory import StudyDirectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BEST, DOTS, PRUNED = "tab:orange", "tab:blue", "0.65"
COLUMNS = 3  # of panels
LABEL = 20  # characters of a choice


class Scale:
    """Positions on an axis of the values of a setting: of numbers by their size, of others by their order.

    Args:
        setting: The setting as in `study.yaml`, or None.
        values: Its values.
    """

    def __init__(self, setting: dict[str, Any] | None, values: list[Any]) -> None:
        numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        is_range = setting is not None and setting.get("values") is None
        self.choices: list[Any] = [] if is_range and numeric else _ordered(values, numeric)
        positive = [value for value in values if numeric and value > 0]
        spread = bool(positive) and len(positive) == len(values) and max(positive) / min(positive) > 30
        self.is_log = not self.choices and (bool(setting and setting.get("log")) or spread)

    def __call__(self, value: Any) -> float:
        return self.choices.index(value) if self.choices else value

    def apply(self, axis: Any, name: str) -> None:
        """Set scale and ticks of the x axis."""
        if self.is_log:
            axis.set_xscale("log")
        if self.choices:
            labels = [str(number(choice))[:LABEL] for choice in self.choices]
            axis.set_xticks(range(len(labels)), labels, rotation=30 if max(map(len, labels)) > 5 else 0)
            axis.set_xlim(-0.5, len(labels) - 0.5)
        axis.set_xlabel(name)


def draw_study(study: StudyDirectory, rows: list[Row], importances: dict[str, float]) -> None:
    """Draw all figures that the results allow; an error in a figure is only reported."""
    drawings: dict[str, Callable[[], Figure | None]] = {
        "history": lambda: history(rows, study.settings["objectives"]) if study.kind == "search" else None,
        "importances": lambda: importance_bars(importances) if len(importances) > 1 else None,
        "slices": lambda: slices(study, rows),
        "parallel_coordinates": lambda: parallel_coordinates(study, rows),
    }
    folder = study.path / "plots"
    folder.mkdir(exist_ok=True)
    for name, draw in drawings.items():
        try:
            if figure := draw():
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", "Glyph")  # a character that the font lacks is drawn as a box
                    figure.savefig(folder / f"{name}.png", dpi=150)
        except Exception as error:
            print(f"{name}.png could not be drawn: {type(error).__name__}: {error}", file=sys.stderr)


def history(rows: list[Row], objectives: dict[str, str]) -> "Figure | None":
    """Draw the value of each trial by its number, and the best so far; with two objectives, one against the other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    if len(objectives) > 1:
        _front(axes, rows, objectives)
    else:
        ((name, mode),) = objectives.items()
        complete = [row for row in rows if row.is_complete]
        pruned = [row for row in rows if row.state == "pruned" and name in row.values]
        if pruned:
            axes.scatter(
                [r.number for r in pruned], [r.values[name] for r in pruned], s=16, color=PRUNED, label="pruned"
            )
        axes.scatter([r.number for r in complete], [r.values[name] for r in complete], s=20, color=DOTS, label="trial")
        best = list(accumulate((row.values[name] for row in complete), min if mode == "min" else max))
        steps = [*(row.number for row in complete), rows[-1].number]
        axes.step(steps, [*best, best[-1]], where="post", color=BEST, label="best so far")
        axes.set(xlabel="trial", ylabel=name)
        _focus(axes, [row.values[name] for row in complete])
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    return figure


def _front(axes: "Axes", rows: list[Row], objectives: dict[str, str]) -> None:
    from .rows import best_rows

    first, second, *_ = objectives
    best = best_rows(rows, objectives)
    complete = [row for row in rows if row.is_complete and row not in best]
    axes.scatter(
        [r.values[first] for r in complete], [r.values[second] for r in complete], s=18, color=DOTS, label="trial"
    )
    front = sorted(best, key=lambda row: row.values[first])
    label = "Pareto-optimal"
    axes.plot([r.values[first] for r in front], [r.values[second] for r in front], "o-", color=BEST, ms=5, label=label)
    for row in front:
        point = (row.values[first], row.values[second])
        axes.annotate(str(row.number), point, textcoords="offset points", xytext=(4, 4), fontsize=8)
    axes.set(xlabel=first, ylabel=second)


def importance_bars(importances: dict[str, float]) -> "Figure":
    """Draw the share of each setting in the variation of the objective."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 0.9 + 0.38 * len(importances)), layout="constrained")
    axes = figure.subplots()
    names, values = list(importances)[::-1], list(importances.values())[::-1]
    bars = axes.barh(names, values, color=DOTS, height=0.6)
    axes.bar_label(bars, [f"{value:.2f}" for value in values], padding=3)
    axes.set(xlabel="importance (PED-ANOVA)", xlim=(0, max(values) * 1.15))
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def slices(study: StudyDirectory, rows: list[Row]) -> "Figure | None":
    """Draw the first objective by each setting."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    if not study.settings["objectives"]:
        return None
    objective = next(iter(study.settings["objectives"]))
    complete = [row for row in rows if row.is_complete and objective in row.values]
    names = [name for name in study.varied if any(name in row.choices for row in complete)]
    if not names:
        return None
    labels, width = short_names(names), min(COLUMNS, len(names))
    height = math.ceil(len(names) / width)
    figure = Figure(figsize=(3.2 * width, 2.9 * height), layout="constrained")
    panels = figure.subplots(height, width, squeeze=False, sharey=True)
    for axes, name in zip(panels.flat, names, strict=False):
        there = [row for row in complete if name in row.choices]
        scale = Scale(_setting(study, name), [row.choices[name] for row in there])
        points = axes.scatter(
            [scale(row.choices[name]) for row in there],
            [row.values[objective] for row in there],
            c=[row.number for row in there], cmap="viridis", s=22, edgecolors="white", linewidths=0.4,
        )  # fmt: skip
        scale.apply(axes, labels[name])
        axes.grid(alpha=0.25)
    for axes in panels.flat[len(names) :]:
        axes.set_visible(False)
    for axes in panels[:, 0]:
        axes.set_ylabel(objective)
        _focus(axes, [row.values[objective] for row in complete])
    figure.colorbar(points, ax=panels, label="trial", shrink=0.8).locator = MaxNLocator(integer=True)
    return figure


def parallel_coordinates(study: StudyDirectory, rows: list[Row]) -> "Figure | None":
    """Draw each complete run as a line through its values, coloured by the first objective."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    if not study.settings["objectives"]:
        return None
    objective, mode = next(iter(study.settings["objectives"].items()))
    complete = [row for row in rows if row.is_complete and objective in row.values]
    names = [name for name in study.varied if any(name in row.choices for row in complete)]
    if len(names) < 2 or len(complete) < 2:
        return None
    scales = {n: Scale(_setting(study, n), [r.choices[n] for r in complete if n in r.choices]) for n in names}
    norm = Normalize(*_limits([row.values[objective] for row in complete]))
    colors = colormaps["viridis" if mode == "max" else "viridis_r"]
    figure = Figure(figsize=(max(6, 1.7 * (len(names) + 1)), 4), layout="constrained")
    axes = figure.subplots()
    heights = {name: _heights(scales[name], [row.choices.get(name) for row in complete]) for name in names}
    order = sorted(range(len(complete)), key=lambda i: complete[i].values[objective], reverse=mode == "min")
    for index in order:  # the best on top
        line = [heights[name][index] for name in names]
        value = complete[index].values[objective]
        axes.plot(range(len(names)), line, color=colors(norm(value)), linewidth=1.4, alpha=0.85)
    _label(axes, names, scales, complete)
    figure.colorbar(ScalarMappable(norm, colors), ax=axes, label=objective, shrink=0.9)
    return figure


def _heights(scale: Scale, values: list[Any]) -> list[float]:
    """Return positions from 0 to 1; NaN, which interrupts a line, for a setting that is not searched."""
    positions = [math.nan if value is None else scale(value) for value in values]
    positions = [math.log(position) if scale.is_log else position for position in positions]
    there = [position for position in positions if not math.isnan(position)]
    low, high = (0, len(scale.choices) - 1) if scale.choices else (min(there), max(there))
    return [(position - low) / (high - low) if high > low else position * 0 + 0.5 for position in positions]


def _label(axes: "Axes", names: list[str], scales: dict[str, Scale], rows: list[Row]) -> None:
    labels = short_names(names)
    for place, name in enumerate(names):
        axes.axvline(place, color="0.3", linewidth=0.8, zorder=0)
        scale, values = scales[name], [row.choices[name] for row in rows if name in row.choices]
        choices = scale.choices or [min(values), max(values)]
        for choice, height in zip(choices, _heights(scale, choices), strict=True):
            text = str(number(choice))[:LABEL]
            axes.annotate(text, (place, height), xytext=(4, 0), textcoords="offset points", fontsize=8, va="center")
    axes.set_xticks(range(len(names)), [labels[name] for name in names])
    axes.set_yticks([])
    axes.set_xlim(-0.2, len(names) - 0.6)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)


def _setting(study: StudyDirectory, name: str) -> dict[str, Any] | None:
    return next((setting for setting in study.settings.get("space", []) if setting["name"] == name), None)


def _ordered(values: list[Any], numeric: bool) -> list[Any]:
    distinct = [value for index, value in enumerate(values) if value not in values[:index]]
    return sorted(distinct, key=(lambda value: value) if numeric else str)


def _limits(values: list[float]) -> tuple[float, float]:
    """Return limits that exclude outliers, such as failures, so that the other values can be distinguished."""
    ordered = sorted(value for value in values if math.isfinite(value))
    quarter = len(ordered) // 4
    low, high = ordered[quarter], ordered[-1 - quarter]
    margin = 3 * (high - low) if high > low else math.inf
    inside = [value for value in ordered if low - margin <= value <= high + margin]
    return inside[0], inside[-1]


def _focus(axes: "Axes", values: list[float]) -> None:
    """Limit the y axis to most values and note how many are outside."""
    if len(values) < 4:
        return
    low, high = _limits(values)
    outside = sum(not low <= value <= high for value in values)
    pad = 0.06 * (high - low) or 0.01
    if outside:
        axes.set_ylim(low - pad, high + pad)
        axes.set_title(f"{outside} beyond the axis", fontsize=8, loc="right")
