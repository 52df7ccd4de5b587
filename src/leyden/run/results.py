"""results.json: metrics of a run by split and checkpoint. Torch-free."""

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
    """Return `{split: {checkpoint: {metric: value}}}` of a run, with `checkpoints`, `splits` and, if present, `remarks`."""
    file = folder / FILE
    return (read_json(file) if file.exists() else None) or {}


def add_results(
    folder: Path,
    checkpoint: str,
    measured: Mapping[str, Mapping[str, float | None]],
    origin: Mapping[str, Any],
    evaluated: Mapping[str, Any] | None = None,
) -> None:
    """Add metrics of a checkpoint to results.json and keep those of other checkpoints and splits.

    A non-finite value is stored as null with a remark, since JSON does not support it, and reported.

    Args:
        folder: The run directory.
        checkpoint: `best`, `last` or a path.
        measured: Split -> metrics. The validation metrics of the best epoch are stored beside its test metrics, so that
            runs can be compared without model selection on the test split.
        origin: `file`, `epoch` and `step` of the checkpoint; earlier results of another epoch are dropped.
        evaluated: Split -> fingerprint of its samples, by which runs can be compared.
    """
    results = read_results(folder)
    origins = results.setdefault("checkpoints", {})
    if origins.get(checkpoint, origin) != origin:
        for split in (*SPLITS, "remarks"):
            results.get(split, {}).pop(checkpoint, None)
    origins[checkpoint] = dict(origin)
    for split, metrics in measured.items():
        results.setdefault(split, {})[checkpoint] = {name: finite(value) for name, value in metrics.items()}
    if evaluated:
        results.setdefault("splits", {}).update(evaluated)
    _remark(results, checkpoint, measured)
    write_atomically(folder / FILE, json.dumps(results, indent=1, allow_nan=False))


def add_evaluation(
    folder: Path,
    split: str,
    checkpoint: str,
    results: Mapping[str, float],
    origin: Mapping[str, Any],
    best: Mapping[str, Any],
    evaluated: Mapping[str, Any],
) -> None:
    """Add metrics of a split, and beside test metrics of the best checkpoint its validation metrics.

    Args:
        folder: The run directory.
        split: `val` or `test`.
        checkpoint: `best`, `last` or a path.
        results: The metrics.
        origin: `file`, `epoch` and `step` of the checkpoint.
        best: The record of the best checkpoint.
        evaluated: Split -> fingerprint of its samples.
    """
    measured: dict[str, Mapping[str, float | None]] = {split: results}
    if checkpoint == "best" and split == "test":
        if best["step"] == origin.get("step"):
            measured["val"] = best["metrics"]
        else:  # the run was killed between a checkpoint and its record
            log.warning("the best checkpoint is from another epoch than recorded in best.json: resume the run")
    add_results(folder, checkpoint, measured, origin, evaluated)


def finite(value: float | None) -> float | None:
    """Return the value, or None if it is not finite."""
    return value if value is not None and isfinite(value) else None


def _remark(results: dict[str, Any], checkpoint: str, measured: Mapping[str, Mapping[str, float | None]]) -> None:
    remarks = results.get("remarks", {}).get(checkpoint, {})
    for name, value in (pair for metrics in measured.values() for pair in metrics.items()):
        remarks.pop(name, None)
        if finite(value) is None:
            reason = "it is undefined on this split, or an output of the model is not finite"
            remarks[name] = f"{value} is stored as null: {reason}"
            log.warning("%s is %s: %s", name, value, reason)
    if remarks:
        results.setdefault("remarks", {})[checkpoint] = remarks
    elif "remarks" in results:
        results["remarks"].pop(checkpoint, None)
        if not results["remarks"]:
            del results["remarks"]
