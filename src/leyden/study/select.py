"""Select runs by experiments, paths and conditions."""

import operator
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from ..errors import UserError, hint
from .names import short_value
from .records import STATES, Record, require_names

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "==": operator.eq,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
CONDITION = re.compile(r"\s*([\w./]+)\s*(>=|<=|!=|==|=|>|<)\s*(.*?)\s*", re.S)


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
    among = records  # in which every name has to occur; an earlier condition may leave no run with it
    for condition in conditions:
        records = _where(records, among, condition)
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


def _where(records: list[Record], among: list[Record], condition: str) -> list[Record]:
    name, sign, text = CONDITION.fullmatch(condition).groups()  # pyrefly: ignore[missing-attribute]
    if not among:
        return []
    require_names(among, [name])
    compare = OPERATORS[sign]
    if name == "created":
        text = _time(condition, text)
        return [record for record in records if record.created and compare(record.created[: len(text)], text)]
    if name == "state" and text not in STATES:
        raise UserError(f"{condition}: there is no state {text!r}{hint(text, STATES)}")
    wanted = _value(text)
    if sign[0] in "<>" and isinstance(wanted, str):
        kinds = {type(number(record[name])) for record in among if record[name] is not None}
        if kinds and str not in kinds:
            raise UserError(f"{condition}: {name} is a number, got {text!r}")
    return [record for record in records if _holds(compare, name, record[name], wanted)]


def _time(condition: str, text: str) -> str:
    """Return the beginning of an ISO time, such as `2026`, `2026-11` or `2026-11-01T12`, if it is one."""
    whole = text.removesuffix("Z")
    try:
        datetime.fromisoformat(whole + "2000-01-01T00:00:00"[len(whole) :])
    except ValueError:
        raise UserError(
            f"{condition}: expected a day or time (UTC), such as 2026-11-01 or 2026-11-01T12:30, got {text!r}"
        ) from None
    return text


def _value(text: str) -> Any:
    """Return a value as YAML reads it; what is no YAML, such as `*` or `>1`, is text."""
    try:
        return number(yaml.safe_load(text or "''"))
    except (yaml.YAMLError, ValueError):
        return text


def _holds(compare: Callable[[Any, Any], bool], name: str, value: Any, wanted: Any) -> bool:
    """Compare two values, of a class its last name if that is given; False for a missing value and a number."""
    short = short_value(name, value)
    try:
        return bool(compare(short if short == wanted else number(value), wanted))
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
