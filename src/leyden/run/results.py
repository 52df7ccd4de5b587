"""results.json: what evaluations of a run have measured, by split and checkpoint. Imports no torch."""

import json
import logging
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from ..io import write_atomically
from .status import read_json

log = logging.getLogger("leyden")

FILE = "results.json"
SPLITS = ("val", "test")


def read_results(folder: Path) -> dict[str, Any]:
    """`{split: {checkpoint: {metric: value}}}` of a run directory, with `checkpoints` and, if need be, `remarks`."""
    file = folder / FILE
    return (read_json(file) if file.exists() else None) or {}


def add_results(
    folder: Path, checkpoint: str, measured: Mapping[str, Mapping[str, float | None]], origin: Mapping[str, Any]
) -> None:
    """Adds metrics of a checkpoint to results.json, where those of other checkpoints and splits stay.

    A value that is not finite is null there, with a remark beside it, and is reported: JSON has no word for it.

    Args:
        folder: the run directory.
        checkpoint: `best`, `last` or a path.
        measured: split -> metrics. The validation metrics of the best epoch stand beside those of its test, so that
            runs can be compared without choosing on the test split.
        origin: `file`, `epoch` and `step` of the checkpoint; results of another epoch by that name are dropped.
    """
    results = read_results(folder)
    origins = results.setdefault("checkpoints", {})
    if origins.get(checkpoint, origin) != origin:
        for split in (*SPLITS, "remarks"):
            results.get(split, {}).pop(checkpoint, None)
    origins[checkpoint] = dict(origin)
    for split, metrics in measured.items():
        results.setdefault(split, {})[checkpoint] = {name: finite(value) for name, value in metrics.items()}
    _remark(results, checkpoint, measured)
    write_atomically(folder / FILE, json.dumps(results, indent=1, allow_nan=False))


def finite(value: float | None) -> float | None:
    """The value, or None where JSON has no word for it."""
    return value if value is not None and isfinite(value) else None


def _remark(results: dict[str, Any], checkpoint: str, measured: Mapping[str, Mapping[str, float | None]]) -> None:
    remarks = results.get("remarks", {}).get(checkpoint, {})
    for name, value in (pair for metrics in measured.values() for pair in metrics.items()):
        remarks.pop(name, None)
        if finite(value) is None:
            reason = "it is undefined on this split, or an output of the model is not finite"
            remarks[name] = f"{value} stands here as null: {reason}"
            log.warning("%s is %s: %s", name, value, reason)
    if remarks:
        results.setdefault("remarks", {})[checkpoint] = remarks
    elif "remarks" in results:
        results["remarks"].pop(checkpoint, None)
        if not results["remarks"]:
            del results["remarks"]
