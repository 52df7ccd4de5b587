"""Compare groups of runs over seeds or folds, with intervals and tests."""

import csv
import math
from dataclasses import dataclass, replace
from io import StringIO
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from ..errors import UserError, hint
from .names import CLASS, REPEATS, group_name, short_names, short_value, shown_value
from .records import Record, require_names
from .statistics import Difference, Summary, adjust, compare, summarize
from .table import varied

FOLD = "data.fold"
FOLDS_NOTE = (
    "Folds share training samples: intervals are too narrow and p-values too small (Nadeau and Bengio, 2003, "
    "https://doi.org/10.1023/A:1024068626366)."
)


@dataclass(frozen=True)
class Group:
    """Runs with equal values of the grouping settings.

    Attributes:
        values: Values of the grouping settings.
        by_pair: Metric of each run, by seed and fold.
        summary: Statistics of the metric.
        difference: From the baseline; None for the baseline itself, or without one.
        paths: The run directories.
    """

    values: dict[str, Any]
    by_pair: dict[tuple[Any, ...], float]
    summary: Summary
    difference: Difference | None = None
    paths: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return group_name(self.values)

    @property
    def cells(self) -> list[str]:
        """The values as the first cells of a row."""
        return [shown_value(name, value) for name, value in self.values.items()]


def groups(records: list[Record], by: list[str], metric: str, against: str | None) -> list[Group]:
    """Group runs by settings and compare the groups.

    Args:
        records: Finished runs.
        by: Dotted names of settings, or `experiment`.
        metric: Such as `test/accuracy`.
        against: Value of the first grouping setting that defines the baseline; None for no comparison.

    Raises:
        UserError: No run has the metric or a setting, or the runs are not comparable.
    """
    if not records:
        raise UserError("there are no finished runs to compare")
    by = [_setting(records, name) for name in by]
    require_names(records, [*by, metric])
    _require_comparable(records, metric)
    measured = [record for record in records if isinstance(record[metric], int | float)]
    ordered = sorted(measured, key=lambda record: _key(record, by))
    made = []
    for _, members in groupby(ordered, key=lambda record: _key(record, by)):
        members = list(members)
        _require_repeats(members, by)
        by_pair: dict[tuple[Any, ...], float] = {_pair(record): float(record[metric]) for record in members}
        summary, paths = summarize(list(by_pair.values())), tuple(record.path for record in members)
        made.append(Group({name: members[0][name] for name in by}, by_pair, summary, paths=paths))
    return made if against is None else _against(made, by[0], against)


def _setting(records: list[Record], name: str) -> str:
    """Return the setting that a name means: of a part of the experiment, such as `model`, the class that differs."""
    names = dict.fromkeys(key for record in records for key in record.settings)
    classes = [key for key in names if key.startswith(f"{name}.") and key.endswith(CLASS)]
    if name in names or not classes:
        return name
    return next((key for key in varied(records) if key in classes), classes[0])


def _against(made: list[Group], name: str, against: str) -> list[Group]:
    baselines = [group for group in made if against in _names(name, group)]
    if len(baselines) != 1:
        there = [text for group in made for text in _names(name, group)]
        raise UserError(f"expected one group with {name}={against}, got {len(baselines)}{hint(against, there)}")
    others = [group for group in made if group is not baselines[0]]
    differences = adjust([compare(group.by_pair, baselines[0].by_pair) for group in others])
    compared = [replace(group, difference=d) for group, d in zip(others, differences, strict=True)]
    return [baselines[0], *compared]


def _names(name: str, group: Group) -> tuple[str, str]:
    """Return the names by which a group can be chosen: its value, of a class also the last name."""
    return str(group.values[name]), str(short_value(name, group.values[name]))


def _key(record: Record, by: list[str]) -> list[str]:
    return [str(record[name]) for name in by]


def _pair(record: Record) -> tuple[Any, ...]:
    return tuple(record[name] for name in REPEATS)


def _require_comparable(records: list[Record], metric: str) -> None:
    """Require the same samples and the same task, without which a metric is not the same quantity.

    The samples of a fold are compared with those of the same fold.
    """
    split = "test" if metric.startswith("test/") else "val"
    folds = {fold: [r for r in records if r[FOLD] == fold] for fold in dict.fromkeys(r[FOLD] for r in records)}
    samples = [(f"samples of the {split} split", of_fold, lambda r: r.splits.get(split)) for of_fold in folds.values()]
    for what, among, of in (
        ("numbers of folds (data.num_folds)", records, lambda record: str(record["data.num_folds"])),
        *samples,
        ("task (model._target_)", records, lambda record: record.settings.get("model._target_")),
    ):
        kinds: dict[str, Record] = {}
        for record in among:
            if of(record) is not None:
                kinds.setdefault(repr(of(record)), record)
        if len(kinds) > 1:
            (one, first), (other, second), *_ = kinds.items()
            raise UserError(
                f"{metric} of these runs cannot be compared: they have different {what}: {one} in {first.path}, "
                f"{other} in {second.path}"
            )


def _require_repeats(members: list[Record], by: list[str]) -> None:
    """Require that the runs of a group differ in seed and fold only."""
    others = [name for name in varied(members) if name not in (*REPEATS, *by) and not name.endswith(".seed")]
    if others:
        values = {name: sorted({str(record.settings.get(name)) for record in members}) for name in others[:3]}
        text = "; ".join(f"{name}: {', '.join(of_name)}" for name, of_name in values.items())
        raise UserError(
            f"runs of one group differ in more than their seed ({text}): add --by {others[0]}, or a condition"
        )
    pairs = [_pair(record) for record in members]
    doubled = next((record for record in members if pairs.count(_pair(record)) > 1), None)
    if doubled:
        raise UserError(f"two runs of one group have the same seed, such as {doubled.path}: leave one out")


def print_groups(made: list[Group], metric: str) -> None:
    """Print the groups and, with a baseline, their differences from it."""
    console = Console()
    heads = [Column(head, no_wrap=True) for head in short_names(made[0].values).values()]
    table = Table(*heads, "n", "mean", "std", "95 % (t)", "95 % (boot)", title=metric)
    for group in made:
        s = group.summary
        row = [str(s.n), _number(s.mean), _number(s.std), _interval(s.t_interval), _interval(s.bootstrap_interval)]
        table.add_row(*group.cells, *row)
    console.print(table)
    if any(len({pair[1] for pair in group.by_pair}) > 1 for group in made):
        console.print(FOLDS_NOTE)
    differences = [(group.cells, group.difference) for group in made if group.difference]
    if not differences:
        return
    heads = [Column(head.header, no_wrap=True) for head in heads]  # a table keeps its cells in its columns
    table = Table(*heads, "difference", "95 %", "p", "p (Holm)", title=f"{metric}, minus that of {made[0].name}")
    for cells, d in differences:
        table.add_row(*cells, _number(d.difference, "+"), _interval(d.interval), _p(d.p), _p(d.adjusted_p))
    console.print(table)
    is_paired = all(difference.pairs for _, difference in differences)
    test = "Paired t-test by seed or fold" if is_paired else "Welch's t-test where seeds or folds do not match"
    console.print(f"{test}; p-values are two-sided.")


def markdown(made: list[Group], metric: str) -> str:
    """Return a Markdown table."""
    heads = [*short_names(made[0].values).values(), "n", metric, "95 % interval"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for group in made:
        s = group.summary
        lines.append(f"| {' | '.join(group.cells)} | {s.n} | {_plus_minus(s, '±')} | {_interval(s.t_interval)} |")
    return "\n".join(lines) + "\n"


def latex(made: list[Group], metric: str, lowest_is_best: bool) -> str:
    """Return a LaTeX table with booktabs rules: mean and standard deviation, the best mean in bold."""
    best = (min if lowest_is_best else max)(group.summary.mean for group in made)
    heads = [_escaped(head) for head in short_names(made[0].values).values()]
    lines = [rf"\begin{{tabular}}{{{'l' * len(heads)}rr}}", r"\toprule"]
    lines += [rf"{' & '.join(heads)} & $n$ & {_escaped(metric)} \\", r"\midrule"]
    for group in made:
        text = _plus_minus(group.summary, r"\pm")
        text = rf"$\mathbf{{{text}}}$" if group.summary.mean == best else f"${text}$"
        lines.append(rf"{' & '.join(map(_escaped, group.cells))} & {group.summary.n} & {text} \\")
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


def _plus_minus(summary: Summary, sign: str) -> str:
    if math.isnan(summary.std):
        return _number(summary.mean)
    return f"{_number(summary.mean)} {sign} {_number(summary.std)}"


def _number(value: float, sign: str = "") -> str:
    return "" if math.isnan(value) else f"{value:{sign}.4f}"


def _interval(interval: tuple[float, float]) -> str:
    return "" if math.isnan(interval[0]) else f"{interval[0]:.4f}, {interval[1]:.4f}"


def _p(value: float) -> str:
    return "" if math.isnan(value) else "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _escaped(text: str) -> str:
    for sign in "_%&#$":
        text = text.replace(sign, rf"\{sign}")
    return text
