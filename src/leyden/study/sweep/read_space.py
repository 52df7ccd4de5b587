"""Read the space of a search.

It is written in YAML, or on the command line in Hydra's sweep grammar:

    search:
      space:
        model.optimizer.lr: {low: 1e-4, high: 1e-1, log: true}   # model.optimizer.lr=tag(log,interval(1e-4,1e-1))
        data.batch_size: [32, 64, 128]                           # data.batch_size=32,64,128
        model.network.width: {low: 16, high: 64, step: 16}
        optim: [adamw, sgd]                                      # an option of a config group
        model.optimizer.momentum: {low: 0.8, high: 0.99, when: {optim: sgd}}

A range is one of integers if its ends are, and the experiment's own value is not a float.
"""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from ...errors import UserError, hint
from .space import Setting, Space

KEYS = ("low", "high", "log", "step", "values", "when")


def read_space(given: dict[str, Any], own: Callable[[str], Any]) -> Space:
    """Read `search.space`.

    Args:
        given: Setting -> a list of choices, or `low` and `high` with `log`, `step` and `when`. Names may be nested.
        own: Returns the experiment's own value of a setting.

    Raises:
        UserError: A part is not a space; all such parts are listed.
    """
    settings, messages = [], []
    for name, content in _flat(given):
        try:
            settings.append(_read(name, content, own(name)))
        except UserError as error:
            messages.append(f"search.space.{name}: {error}")
    names = [setting.name for setting in settings]
    for setting in settings:
        for parent, values in setting.when.items():
            if parent not in names:
                messages.append(f"search.space.{setting.name}: when names {parent!r}{hint(parent, names)}")
            elif wrong := [value for value in values if not settings[names.index(parent)].contains(value)]:
                messages.append(
                    f"search.space.{setting.name}: when names {wrong[0]!r}, which is not a value of {parent}"
                )
    if messages:
        raise UserError("\n".join(messages))
    if not settings:
        raise UserError(
            "there is nothing to search: set search.space, or values such as data.batch_size=32,64 or "
            "'model.optimizer.lr=tag(log,interval(1e-4,1e-1))'"
        )
    return Space(_ordered(settings))


def _flat(node: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted names and the descriptions of their values; null removes one."""
    for key, content in node.items():
        if isinstance(content, dict) and not content.keys() & {"low", "high", "values"}:
            yield from _flat(content, f"{prefix}{key}.")
        elif content is not None:
            yield f"{prefix}{key}", content


def _read(name: str, content: Any, own: Any) -> Setting:
    if isinstance(content, list):
        content = {"values": content}
    if not isinstance(content, dict):
        raise UserError(f"expected a list of values, or {{low: ..., high: ...}}, got {content!r}")
    for key in content:
        if key not in KEYS:
            raise UserError(f"there is no {key!r}{hint(str(key), KEYS)}")
    when = content.get("when") or {}
    if not isinstance(when, dict):
        raise UserError(f"expected when to be a setting and its values, such as {{optim: sgd}}, got {when!r}")
    when = {key: value if isinstance(value, list) else [value] for key, value in when.items()}
    if (values := content.get("values")) is not None:
        if not isinstance(values, list) or not values:
            raise UserError(f"expected a list of values, got {values!r}")
        if content.keys() - {"values", "when"}:
            raise UserError("expected either values, or low and high, not both")
        return Setting(name, [value for i, value in enumerate(values) if value not in values[:i]], when=when)
    return _range(name, content, own, when)


def _range(name: str, content: dict[str, Any], own: Any, when: dict[str, list[Any]]) -> Setting:
    for key in ("low", "high", *(["step"] if content.get("step") is not None else [])):
        value = content.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise UserError(f"expected {key} to be a number, got {value!r}")
    low, high, step, log = content["low"], content["high"], content.get("step"), content.get("log", False)
    if not isinstance(log, bool):
        raise UserError(f"expected log to be true or false, got {log!r}")
    if low > high:
        raise UserError(f"expected low to be at most high, got low={low} and high={high}")
    if log and low <= 0:
        raise UserError(f"a logarithmic scale needs low above 0, got low={low}")
    if log and step is not None:
        raise UserError("expected either log or step; for steps on a logarithmic scale use a list of values")
    if step is not None and step <= 0:
        raise UserError(f"expected step to be above 0, got {step}")
    is_integer = all(isinstance(x, int) for x in (low, high, step or 0)) and not isinstance(own, float)
    if not is_integer:
        low, high = float(low), float(high)
    if step is not None:  # the last value that steps reach, as Optuna takes it
        high = low + int((high - low) / step + 1e-9) * step
    return Setting(name, None, low, high, log, step, is_integer, when)


def _ordered(settings: list[Setting]) -> list[Setting]:
    """Order settings so that each follows those that its condition names."""
    ordered: list[Setting] = []
    while rest := [setting for setting in settings if setting not in ordered]:
        names = {setting.name for setting in ordered}
        ready = [setting for setting in rest if setting.when.keys() <= names]
        if not ready:
            raise UserError(f"search.space: the conditions of {', '.join(s.name for s in rest)} depend on one another")
        ordered += ready
    return ordered


def from_sweep(word: str, sweep: Any) -> tuple[str, Any]:
    """Convert an override in Hydra's sweep grammar to a setting and a part of `search.space`.

    Args:
        word: The override, as typed.
        sweep: Its value as parsed by Hydra: a choice, range or interval.
    """
    name, kind = word.lstrip("+").partition("=")[0], type(sweep).__name__
    if kind == "IntervalSweep":
        is_integer = not re.search(r"interval\([^)]*[.e]", word) and sweep.start == int(sweep.start)
        low, high = (int(end) if is_integer else end for end in (sweep.start, sweep.end))
        return name, {"low": low, "high": high, "log": "log" in sweep.tags}
    if kind == "RangeSweep":
        return name, list(sweep.range())
    return name, [_plain(value) for value in sweep.list]


def _plain(value: Any) -> Any:
    """Return a value without Hydra's marks of quoted strings."""
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return getattr(value, "text", value)
