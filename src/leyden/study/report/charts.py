"""Data for the curves and points in the charts of the page."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from ...io import Curve
from .document import data_block
from .elements import Html, element

MOST_POINTS = 1000  # of a curve; of longer ones the lowest and highest of each interval
FIGURES = 6  # significant


@dataclass(frozen=True)
class Series:
    """A line or points of a chart.

    Attributes:
        name: Unique in its chart.
        color: From 0 to 7; from 8 the same with dashes.
        group: What the legend names, if several series belong together.
        x: Positions on each axis that can be chosen.
        y: Values; not finite ones are gaps.
    """

    name: str
    color: int
    x: list[list[float]]
    y: list[float]
    group: str = ""


def chart(title: str, axes: Sequence[str], series: list[Series], alt: str, **options: object) -> Html:
    """Return a chart.

    Args:
        title: Its heading.
        axes: Names of the axes that can be chosen for `x`.
        series: What is drawn.
        alt: Alternative text.
        **options: `points` for points without lines, `ticks` for names at positions, `log_x`.
    """
    written = [
        {
            "name": one.name,
            "color": one.color,
            "x": [[short(x) for x in axis] for axis in one.x],
            "y": [*map(short, one.y)],
        }
        | ({"group": one.group} if one.group else {})
        for one in series
    ]
    data = data_block({"x": list(axes), "series": written} | options)
    return element("figure", element("h3", title), data, class_="chart", data_alt=alt)


def line(name: str, color: int, curve: Curve, epochs: "Epochs", most: int = MOST_POINTS) -> Series:
    """Return a curve by step and by epoch."""
    kept = thinned(curve.values, most)
    steps = [curve.steps[place] for place in kept]
    axes = [[float(step) for step in steps], [epochs.at(step) for step in steps]]
    return Series(name, color, axes, [curve.values[place] for place in kept])


class Epochs:
    """Number of epochs that are done at a step, counting parts of them.

    Args:
        curves: Of a run.
    """

    def __init__(self, curves: dict[str, Curve]) -> None:
        last: dict[int, int] = {}
        for name, curve in curves.items():
            if not name.startswith("test/"):  # logged after training
                for step, epoch in zip(curve.steps, curve.epochs, strict=True):
                    last[epoch] = max(step, last.get(epoch, step))
        last.pop(-1, None)
        self.epochs = sorted(last)
        self.ends = [last[epoch] + 1 for epoch in self.epochs]
        if len(self.ends) > 2:  # the last one may not be complete
            self.ends[-1] = max(self.ends[-1], 2 * self.ends[-2] - self.ends[-3])

    def at(self, step: int) -> float:
        place = bisect_left(self.ends, step + 1)
        if place >= len(self.ends):
            return float(self.epochs[-1] + 1) if self.epochs else 0.0
        begin = self.ends[place - 1] if place else 0
        return self.epochs[place] + (step + 1 - begin) / (self.ends[place] - begin)


def thinned(values: Sequence[float], most: int) -> list[int]:
    """Return the places of at most about `most` values: of each interval the lowest, the highest and a gap."""
    if len(values) <= most:
        return list(range(len(values)))
    size = -(-len(values) * 2 // most)
    kept = {0, len(values) - 1}
    for start in range(0, len(values), size):
        places = range(start, min(start + size, len(values)))
        finite = [place for place in places if isfinite(values[place])]
        kept |= {min(finite, key=values.__getitem__), max(finite, key=values.__getitem__)} if finite else set()
        kept |= {next(place for place in places if place not in finite)} if len(finite) < len(places) else set()
    return sorted(kept)


def short(value: float) -> float | None:
    return float(f"{value:.{FIGURES}g}") if isfinite(value) else None
