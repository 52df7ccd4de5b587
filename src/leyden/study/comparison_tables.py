"""Groups of runs as tables: for a terminal, as Markdown, LaTeX and CSV."""

import csv
import math
from io import StringIO
from typing import Literal

from rich.console import Console
from rich.table import Column, Table

from .comparison import Group
from .names import short_names
from .statistics import Summary

_DIFFERENCES = ["difference", "95 %", "p", "p (Holm)"]
_LATEX = str.maketrans(
    {**{sign: rf"\{sign}" for sign in "_%&#${}"}, "\\": r"\textbackslash{}", "~": r"\~{}", "^": r"\^{}"}
)
FOLDS_NOTE = (
    "Folds share training samples: intervals are too narrow and p-values too small (Nadeau and Bengio, 2003, "
    "https://doi.org/10.1023/A:1024068626366)."
)


def print_groups(made: list[Group], metric: str) -> None:
    """Print the groups and, with a baseline, their differences from it."""
    console, digits = Console(markup=False, emoji=False), _decimals(made)
    heads = list(short_names(made[0].values).values())
    table = Table(*_whole(heads), "n", "mean", "std", "95 % (t)", "95 % (boot)", title=metric)
    for group in made:
        s = group.summary
        intervals = (_interval(interval, digits) for interval in (s.t_interval, s.bootstrap_interval))
        table.add_row(*group.cells, str(s.n), _number(s.mean, digits), _number(s.std, digits), *intervals)
    console.print(table)
    if _has_baseline(made):
        table = Table(*_whole([*heads, *_DIFFERENCES]), title=f"{metric}, difference from {made[0].name}")
        for group in made[1:]:
            table.add_row(*group.cells, *_difference(group, digits))
        console.print(table)
    for note in notes(made):
        console.print(note, soft_wrap=True)


def notes(made: list[Group]) -> list[str]:
    """Return the notes that are needed to read the tables correctly."""
    found = []
    if any(len({fold for _, fold in group.by_pair}) > 1 for group in made):
        found.append(FOLDS_NOTE)
    tested = [group for group in made if group.difference and not math.isnan(group.difference.p)]
    pairs = {bool(group.difference.pairs) for group in tested if group.difference}
    if pairs:
        paired, welch = "Paired t-test by seed or fold", "Welch's t-test where seeds or folds do not match"
        test = paired if pairs == {True} else welch if pairs == {False} else f"{paired}, {welch}"
        found.append(f"{test}; p-values are two-sided.")
    if untested := [group.name for group in made if group.difference and group not in tested]:
        found.append(f"No test of {'; '.join(untested)}: both groups need at least two runs.")
    found += [
        f"{group.name}: all differences are {low:+.4g}; no test is possible with zero variance."
        for group in tested
        if group.difference and (low := group.difference.interval[0]) == group.difference.interval[1] != 0
    ]
    for group in made:
        if group.difference and 0 < (number := group.difference.pairs) < max(group.summary.n, made[0].summary.n):
            runs = f"{group.name} has {group.summary.n} runs, {made[0].name} {made[0].summary.n}"
            found.append(f"{runs}: the difference is computed from the {number} pairs with equal seed and fold.")
    return found


def markdown(made: list[Group], metric: str) -> str:
    """Return a Markdown table, with a baseline also the differences from it."""
    digits = _decimals(made)
    heads = [*short_names(made[0].values).values(), "n", metric, "95 % interval"]
    heads += _DIFFERENCES if _has_baseline(made) else []
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for group in made:
        s = group.summary
        row = [*group.cells, str(s.n), _plus_minus(s, "±", digits), _interval(s.t_interval, digits)]
        row += _difference(group, digits) if _has_baseline(made) else []
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def latex(made: list[Group], metric: str, best: Literal["min", "max"] | None) -> str:
    """Return a LaTeX table with booktabs rules: mean and standard deviation, with a baseline also the differences.

    Args:
        made: The groups.
        metric: Its name.
        best: Which mean is bold; None for none.
    """
    digits = _decimals(made)
    means = [group.summary.mean for group in made]
    bold = {"min": min, "max": max}[best](means) if best else None
    names = list(short_names(made[0].values).values())
    heads = [*(name.translate(_LATEX) for name in names), "$n$", metric.translate(_LATEX)]
    heads += ["difference", r"95\,\%", "$p$", "$p$ (Holm)"] if _has_baseline(made) else []
    lines = [rf"\begin{{tabular}}{{{'l' * len(names)}{'r' * (len(heads) - len(names))}}}", r"\toprule"]
    lines += [rf"{' & '.join(heads)} \\", r"\midrule"]
    for group in made:
        text = _plus_minus(group.summary, r"\pm", digits)
        text = rf"$\mathbf{{{text}}}$" if group.summary.mean == bold else f"${text}$"
        row = [*(cell.translate(_LATEX) for cell in group.cells), str(group.summary.n), text]
        row += [f"${cell}$" if cell else "" for cell in _difference(group, digits)] if _has_baseline(made) else []
        lines.append(rf"{' & '.join(row)} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def as_csv(made: list[Group], metric: str) -> str:
    """Return a CSV table in full precision."""
    file = StringIO()
    writer = csv.writer(file)
    heads = ["n", "mean", "std", "t_low", "t_high", "bootstrap_low", "bootstrap_high"]
    heads += ["difference", "difference_low", "difference_high", "p", "p_holm", "pairs"]
    writer.writerow([*made[0].values, "metric", *heads])
    for group in made:
        s, d = group.summary, group.difference
        row = [s.n, s.mean, s.std, *s.t_interval, *s.bootstrap_interval]
        row += [d.difference, *d.interval, d.p, d.adjusted_p, d.pairs] if d else [""] * 6
        writer.writerow([*group.values.values(), metric, *row])
    return file.getvalue()


def _has_baseline(made: list[Group]) -> bool:
    return any(group.difference for group in made)


def _difference(group: Group, digits: int) -> list[str]:
    """Return the cells of `_DIFFERENCES`; empty for the baseline."""
    if not (d := group.difference):
        return [""] * len(_DIFFERENCES)
    return [_number(d.difference, digits, "+"), _interval(d.interval, digits), _p(d.p), _p(d.adjusted_p)]


def _whole(heads: list[str]) -> list[Column]:
    return [Column(head, no_wrap=True) for head in heads]


def _decimals(made: list[Group]) -> int:
    """Return how many decimals show two digits of the smallest deviation, from four to eight."""
    sizes = [
        size for group in made if (size := group.summary.std if group.summary.std > 0 else abs(group.summary.mean))
    ]
    return min(8, max([4, *(1 - math.floor(math.log10(size)) for size in sizes)]))


def _plus_minus(summary: Summary, sign: str, digits: int) -> str:
    mean = _number(summary.mean, digits)
    return mean if math.isnan(summary.std) else f"{mean} {sign} {_number(summary.std, digits)}"


def _number(value: float, digits: int, sign: str = "") -> str:
    return "" if math.isnan(value) else f"{value:{sign}.{digits}f}"


def _interval(interval: tuple[float, float], digits: int) -> str:
    return ", ".join(_number(value, digits) for value in interval if not math.isnan(value))


def _p(value: float) -> str:
    return "" if math.isnan(value) else "< 0.0001" if value < 1e-4 else f"{value:.4f}"
