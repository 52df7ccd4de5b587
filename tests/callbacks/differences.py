"""Differences between two runs or checkpoints in bits, metrics and results, except for measured times."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import torch

from leyden.run.directory import RunDirectory

TIMES = ("_per_second", "/data_wait", "/flops_utilization")


def rows(run: RunDirectory) -> list[dict[str, str]]:
    """Return the rows of metrics.csv without measured times."""
    with (run.path / "metrics.csv").open(newline="") as file:
        return [
            {name: "a time" if name.endswith(TIMES) else value for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def content(file: Path, folder: Path) -> dict[str, Any]:
    """Return all values of a checkpoint by path, without measured times and with normalized file paths."""
    flat: dict[str, Any] = {}

    def add(part: Any, place: str) -> None:
        if isinstance(part, dict | list | tuple):
            pairs = part.items() if isinstance(part, dict) else enumerate(part)
            for key, value in pairs:
                add(value, f"{place}/{key}")
        else:
            part = part.replace(str(folder), "RUN") if isinstance(part, str) else part
            flat[place.replace(str(folder), "RUN")] = part

    add(torch.load(file, weights_only=True) if file.exists() else {}, file.stem)
    return {place: value for place, value in flat.items() if not re.search(r"seconds|waited|" + "|".join(TIMES), place)}


def differing(left: dict[str, Any], right: dict[str, Any]) -> list[str]:
    """Describe the differences between two checkpoints."""
    places = [place for place in sorted(left.keys() | right.keys()) if not _same(left.get(place), right.get(place))]
    return [f"{place}: {_short(left.get(place))} became {_short(right.get(place))}" for place in places]


def differences(alone: RunDirectory, other: RunDirectory) -> list[str]:
    """Describe the differences from the uninterrupted run."""
    found = []
    for name in ("best.ckpt", "last.ckpt"):
        found += differing(*(content(run.path / "checkpoints" / name, run.path) for run in (alone, other)))
    left, right = rows(alone), rows(other)
    if left != right:
        lost = [row for row in left if left.count(row) > right.count(row)]
        more = [row for row in right if right.count(row) > left.count(row)]
        found.append(f"rows: lost {lost}, more {more}" if lost or more else "rows: another order")
    results = [json.loads((run.path / "results.json").read_text()) for run in (alone, other)]
    if results[0] != results[1]:
        found.append(f"results: {results[0]} became {results[1]}")
    return found


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor):
        return (
            left.dtype == right.dtype
            and left.shape == right.shape
            and left.numpy().tobytes() == right.numpy().tobytes()
        )
    return type(left) is type(right) and (left == right or left != left)


def _short(value: Any) -> str:
    return f"tensor {list(value.shape)}" if isinstance(value, torch.Tensor) and value.numel() > 1 else str(value)
