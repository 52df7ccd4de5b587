"""Short names of settings and of their values, for tables and figures."""

from collections.abc import Iterable
from typing import Any

CLASS = "._target_"  # the setting that names a class
REPEATS = ("seed", "data.fold")  # settings of runs that repeat an experiment


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Return the last part of each dotted name if it is unique, else the whole name.

    The setting `model.network._target_` is called `network`.
    """
    parts = {name: name.removesuffix(CLASS) for name in names}
    lasts = [part.rpartition(".")[2] for part in parts.values()]
    return {
        name: last if lasts.count(last) == 1 else part for (name, part), last in zip(parts.items(), lasts, strict=True)
    }


def short_value(name: str, value: Any) -> Any:
    """Return the value of a setting; for a class, the last part of its name."""
    return value.rpartition(".")[2] if name.endswith("_target_") and isinstance(value, str) else value


def group_name(values: dict[str, Any]) -> str:
    """Return the settings that define a group of runs, such as `network=M5, lr=0.001`; `all` if there are none."""
    names = short_names(values)
    return ", ".join(f"{names[name]}={shown_value(name, value)}" for name, value in values.items()) or "all"


def shown_value(name: str, value: Any) -> str:
    """Return the value of a setting as text, with at most five digits."""
    return f"{value:.5g}" if isinstance(value, float) else str(short_value(name, value))
