"""Learning curves of groups of runs as a figure for a paper: means over seeds or folds with bands."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from ..errors import UserError, hint
from ..io import Curve, read_curves
from .comparison import Group
from .statistics import summarize

SIZE = (3.25, 2.4)  # inches: the column of a paper in two columns
# Okabe & Ito, https://jfly.uni-koeln.de/color: told apart with any colour vision; without the yellow, too light for lines.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES = ("-", "--", ":", "-.")
# Text stays text: TrueType in PDF, and font names in SVG.
STYLE = {"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "leyden", "font.size": 8, "axes.linewidth": 0.6}
MARGIN = 0.05  # of the axis


@dataclass(frozen=True)
class Band:
    """The mean of a group at the steps that all of its runs have, and its 95 % interval (t); NaN of one run."""

    name: str
    steps: list[int]
    mean: list[float]
    low: list[float]
    high: list[float]
    runs: int


def plot(groups: list[Group], metric: str, file: Path) -> list[str]:
    """Draw the curves of groups and return notes that are needed to read the figure correctly.

    Args:
        groups: With the paths of their runs.
        metric: That was compared; a test metric stands for the validation metric of the same name, which has a curve.
        file: To write.

    Raises:
        UserError: A run has no curve of the metric, or the runs of a group share no step.
    """
    name = metric.replace("test/", "val/", 1)
    remarks = [] if name == metric else [f"{metric} is measured only once, after training; the curves show {name}"]
    bands = [_band(group, name, remarks) for group in groups]
    figure = _drawn(bands, name, remarks)
    with rc_context(STYLE):
        # Without dates, so that the same runs make the same bytes.
        dates = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(file.suffix)
        figure.savefig(file, dpi=300, metadata=dates)
    counts = {band.runs for band in bands}
    number = str(counts.pop()) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    remarks.insert(0, f"lines are means of {number} runs, bands 95 % intervals of the mean (Student's t)")
    return remarks


def _band(group: Group, name: str, remarks: list[str]) -> Band:
    curves = [_curve(Path(path), name) for path in group.paths]
    by_step = [dict(zip(curve.steps, curve.values, strict=True)) for curve in curves]
    every = {step for values in by_step for step in values}
    steps = sorted(step for step in every if all(math.isfinite(values.get(step, math.nan)) for values in by_step))
    if not steps:
        raise UserError(f"the runs of {group.name} have no step in common at which all have a finite {name}")
    if len(steps) < len(every):
        remarks.append(f"{group.name}: {len(steps)} of {len(every)} steps, at which all runs have a finite value")
    summaries = [summarize([values[step] for values in by_step], resamples=0) for step in steps]
    low, high = zip(*[summary.t_interval for summary in summaries], strict=True)
    return Band(group.name, steps, [summary.mean for summary in summaries], [*low], [*high], len(curves))


def _curve(run: Path, name: str) -> Curve:
    curves = read_curves(run / "metrics.csv")
    if name not in curves:
        raise UserError(f"{run} has no curve of {name} in metrics.csv{hint(name, curves)}")
    return curves[name]


def _drawn(bands: list[Band], name: str, remarks: list[str]) -> Figure:
    with rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots()
        for place, band in enumerate(bands):
            color, dash = COLORS[place % len(COLORS)], DASHES[place // len(COLORS) % len(DASHES)]
            axes.plot(band.steps, band.mean, color=color, linestyle=dash, linewidth=1.1, label=band.name)
            axes.fill_between(band.steps, band.low, band.high, color=color, alpha=0.2, linewidth=0)
        axes.set(xlabel="step", ylabel=name.replace("val/", "validation ").replace("_", " "))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.5)
        if len(bands) > 1:  # above the axes, where it covers nothing
            longest = max(len(band.name) for band in bands)
            most = max(1, min(3, 48 // (longest + 5)))
            columns = -(-len(bands) // -(-len(bands) // most))  # rows of equal length
            figure.legend(loc="outside upper center", ncols=columns, frameon=False, handlelength=1.6, columnspacing=1)
        if remark := _limit(axes, bands):
            remarks.append(remark)
    return figure


def _limit(axes, bands: list[Band]) -> str:
    """Limit the y axis if bands are much wider than the means, such as those of two runs; return a note if so."""
    means = list(_finite(bands, ("mean",)))
    span = (max(means) - min(means)) or abs(means[0]) or 1.0
    lowest, highest = min(_finite(bands, ("mean", "low"))), max(_finite(bands, ("mean", "high")))
    bottom, top = max(lowest, min(means) - span / 2), min(highest, max(means) + span / 2)
    axes.set_ylim(bottom - MARGIN * span, top + MARGIN * span)
    if bottom > lowest or top < highest:
        return "some bands are cut off: the axes show the means and half their range on each side"
    return ""


def _finite(bands: list[Band], names: tuple[str, ...]) -> Iterator[float]:
    for band in bands:
        for name in names:
            yield from (value for value in getattr(band, name) if math.isfinite(value))
