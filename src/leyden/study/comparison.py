"""Compare groups of runs over seeds or folds, with intervals and tests."""

from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from ..errors import UserError, hint
from .names import CLASS, REPEATS, group_name, short_value, shown_value
from .records import Record, require_names
from .select import number
from .statistics import Difference, Summary, adjust, compare, summarize
from .table import varied

FOLD = "data.fold"


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
        raise UserError("no finished runs to compare")
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
    baselines = [group for group in made if _is_meant(group, against)]
    if len(baselines) > 1:
        there = "; ".join(",".join(group.cells) for group in baselines)
        raise UserError(f"--against {against} is {len(baselines)} groups: add the other values, one of: {there}")
    if not baselines:
        there = [text for group in made for text in _names(name, group.values[name])]
        raise UserError(f"there is no group with {name}={against}{hint(against, there)}")
    others = [group for group in made if group is not baselines[0]]
    differences = adjust([compare(group.by_pair, baselines[0].by_pair) for group in others])
    compared = [replace(group, difference=d) for group, d in zip(others, differences, strict=True)]
    return [baselines[0], *compared]


def _is_meant(group: Group, text: str) -> bool:
    """Whether a text is the first value of a group or, with commas, all of its values."""
    values, parts = list(group.values.items()), text.split(",")
    parts = parts if len(parts) == len(values) else [text]
    return all(
        part in _names(name, value) or number(part) == value for part, (name, value) in zip(parts, values, strict=False)
    )


def _names(name: str, value: Any) -> tuple[str, str]:
    """Return the texts by which a value can be chosen: of a class also its last name."""
    return str(value), str(short_value(name, value))


def _key(record: Record, by: list[str]) -> list[str]:
    return [str(record[name]) for name in by]


def _pair(record: Record) -> tuple[Any, ...]:
    return tuple(record[name] for name in REPEATS)


def _require_comparable(records: list[Record], metric: str) -> None:
    """Require the same samples and the same task; otherwise, the metric is not the same quantity.

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
                f"{metric} cannot be compared between these runs: they have different {what}: {one} in {first.path}, "
                f"{other} in {second.path}"
            )


def _require_repeats(members: list[Record], by: list[str]) -> None:
    """Require that the runs of a group differ in seed and fold only."""
    others = [name for name in varied(members) if name not in (*REPEATS, *by) and not name.endswith(".seed")]
    if others:
        values = {name: sorted({str(record.settings.get(name)) for record in members}) for name in others[:3]}
        text = "; ".join(f"{name}: {', '.join(of_name)}" for name, of_name in values.items())
        raise UserError(
            f"runs in one group differ in more than the seed ({text}): add --by {others[0]}, or a condition"
        )
    seen: dict[tuple[Any, ...], Record] = {}
    for record in members:
        if (other := seen.setdefault(_pair(record), record)) is not record:
            raise UserError(
                f"two runs in one group have the same seed: {other.path} and {record.path}; select one of them by a "
                f"path, or a condition such as 'created>={record.created[:16] or 2026}'"
            )
