"""Differences between two runs: settings, packages, hardware and metrics. Their code is compared by `run.code_diff`."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..run import environment
from .records import Record, read

WHERE = ("runs", "name")  # settings of where a run is stored


@dataclass(frozen=True)
class Differences:
    """What differs between two runs: for each part its names with both values; None where a run has none.

    Attributes:
        settings: By dotted names.
        packages: Versions of installed packages and of Python.
        hardware: Of the machine that created the run.
        metrics: Of the best checkpoints, equal ones too.
    """

    settings: dict[str, tuple[Any, Any]]
    packages: dict[str, tuple[Any, Any]]
    hardware: dict[str, tuple[Any, Any]]
    metrics: dict[str, tuple[Any, Any]]


def differences(first: Path, second: Path) -> Differences:
    """Compare two run directories."""
    one, other = (read(path, path.parent.name) for path in (first, second))
    both = one.metrics.keys() | other.metrics.keys()
    return Differences(
        settings=_changed(_settings(one), _settings(other)),
        packages=_changed(_packages(first), _packages(second)),
        hardware=_changed(_hardware(first), _hardware(second)),
        metrics={name: (one.metrics.get(name), other.metrics.get(name)) for name in sorted(both)},
    )


def _changed(first: dict[str, Any], second: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys([*first, *second])
    pairs = {name: (first.get(name), second.get(name)) for name in names}
    return {name: (one, other) for name, (one, other) in pairs.items() if one != other}


def _settings(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record.settings.items() if name not in WHERE}


def _packages(run: Path) -> dict[str, str]:
    with suppress(OSError):
        lines = (run / environment.FILE).read_text(encoding="utf-8").splitlines()
        return dict(line.split("==", 1) for line in lines if "==" in line)
    return {}


def _hardware(run: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return json.loads((run / "hardware.json").read_text(encoding="utf-8"))
    return {}
