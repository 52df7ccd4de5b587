"""The curves of several runs in one chart for each metric, coloured by group."""

import csv
from dataclasses import replace
from pathlib import Path

from ...io import Curve, read_curves
from ..names import group_name
from ..records import Record
from ..table import main_metrics
from .charts import Epochs, Series, chart, line
from .comparison_section import grouping
from .curves import AXES
from .elements import Html, element, section

MOST_RUNS = 60
MOST_POINTS = 300  # of a curve


def overlaid_curves(records: list[Record]) -> Html:
    """Return the section."""
    shown = records[-MOST_RUNS:]
    curves = {record.path: _read(record) for record in shown}
    monitors = [name for name in main_metrics(records) if name.startswith("val/")]
    names = [
        name for name in dict.fromkeys([*monitors, "val/loss", "train/loss"]) if any(name in c for c in curves.values())
    ]
    if not names:
        return section("Curves", element("p", "No run has curves yet."))
    colors = _colors(shown)
    charts = [_chart(name, shown, curves, colors) for name in names]
    sentence = "The curves of all runs; runs that differ only in seed or fold have the same colour."
    if len(shown) < len(records):
        sentence = f"The curves of the newest {len(shown)} of {len(records)} runs; {sentence[18:]}"
    return section("Curves", element("div", *charts, class_="charts"), sentence=sentence)


def _read(record: Record) -> dict[str, Curve]:
    try:
        return read_curves(Path(record.path) / "metrics.csv")
    except (ValueError, csv.Error, OSError):  # damaged
        return {}


def _colors(records: list[Record]) -> dict[str, tuple[int, str]]:
    """Return color and group of each run."""
    by = grouping(records)
    groups: dict[str, int] = {}
    found = {}
    for record in records:
        name = group_name({one: record[one] for one in by})
        found[record.path] = groups.setdefault(name, len(groups)), name
    return found


def _chart(
    name: str, records: list[Record], curves: dict[str, dict[str, Curve]], colors: dict[str, tuple[int, str]]
) -> Html:
    series: list[Series] = []
    for record in records:
        if curve := curves[record.path].get(name):
            color, group = colors[record.path]
            seed = record.settings.get("seed")
            label = ", ".join(filter(None, [group, f"seed={seed}", Path(record.path).name[-8:]]))
            made = line(label, color, curve, Epochs(curves[record.path]), MOST_POINTS)
            series.append(replace(made, group=group))
    return chart(name, AXES, series, f"{name} of {len(series)} runs")
