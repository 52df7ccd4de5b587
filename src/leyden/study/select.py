"""Select runs by experiments, paths and conditions."""

import operator
import re
from collections.abc import Callable, Iterable
from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from ..errors import UserError, hint
from .records import Record, require_names

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
CONDITION = re.compile(r"([\w./]+)(>=|<=|!=|=|>|<)(.*)", re.S)


def select(records: list[Record], words: Iterable[str], cwd: Path) -> list[Record]:
    """Return the runs that match any of the names and all conditions.

    Args:
        records: All runs of the project.
        words: Names: an experiment or the beginning of one (`vision`), a run directory or its id, a glob of either; and
            conditions on a metric, setting or state: `test/accuracy>0.9`, `model.optimizer.lr=3e-3`, `state!=finished`,
            `created>=2026-11-01`.
        cwd: The folder that paths are relative to.

    Raises:
        UserError: A name matches no run, or no run has the metric or setting of a condition.
    """
    conditions = [word for word in words if CONDITION.fullmatch(word)]
    names = [word for word in words if word not in conditions]
    if names:
        chosen = {record.path for name in names for record in _named(records, name, cwd)}
        records = [record for record in records if record.path in chosen]
    for condition in conditions:
        records = _where(records, condition)
    return records


def _named(records: list[Record], name: str, cwd: Path) -> list[Record]:
    path = str((cwd / name).resolve())
    matches = [
        record
        for record in records
        if f"{record.experiment}/".startswith(f"{name.rstrip('/')}/")
        or fnmatch(record.experiment, name)
        or fnmatch(record.path, path)
        or record.path.startswith(f"{path}/")
        or record.path.rpartition("-")[2] == name
    ]
    if not matches:
        experiments = {record.experiment for record in records}
        parts = {experiment.partition("/")[0] for experiment in experiments}
        raise UserError(f"there is no run {name!r}{hint(name, experiments | parts)}")
    return matches


def _where(records: list[Record], condition: str) -> list[Record]:
    name, sign, text = CONDITION.fullmatch(condition).groups()  # pyrefly: ignore[missing-attribute]
    if not records:
        return []
    require_names(records, [name])
    value, compare = yaml.safe_load(text or "''"), OPERATORS[sign]
    if isinstance(value, date):  # or a time, which is one
        value = value.isoformat()
    return [record for record in records if _holds(compare, record[name], number(value))]


def _holds(compare: Callable[[Any, Any], bool], value: Any, wanted: Any) -> bool:
    """Compare two values; False if they cannot be compared, such as a missing value and a number."""
    try:
        return bool(compare(number(value), wanted))
    except TypeError:
        return False


def number(value: Any) -> Any:
    """Convert text such as `1e-3`, which YAML does not read as a number, to a float."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
