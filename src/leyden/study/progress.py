"""The progress of runs that have not ended, read from the ends of their files. Torch-free."""

import csv
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..run.status import read_json
from .records import Record

TAIL_BYTES = 65536
EPOCH_LINE = re.compile(r"(?m)^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) INFO +epoch (\d+)/\S+  ")  # of ProgressLines
SPEEDS = ("train/tokens_per_second", "train/samples_per_second")
ACTIVE = ("submitted", "running")


@dataclass(frozen=True)
class Progress:
    """How far a run has got.

    Attributes:
        path: The run directory.
        experiment: The name of its experiment.
        state: As in `Record`.
        job: Its SLURM job, if it has one.
        host: The machine that trains it.
        epoch: Number of completed epochs.
        max_epochs: Their number at the end, if the settings limit it.
        step: Number of completed optimizer steps.
        max_steps: Their number at the end, if the settings limit it.
        metric: The metric that selects the best checkpoint.
        value: Its newest value.
        best: Its best value.
        speed: Samples or tokens per second in the last epoch.
        unit: `samples/s` or `tokens/s`.
        seconds_left: Estimated from the duration of the last epoch, with validation; None before two have ended.
        age: Seconds since the last row of its metrics.
        error: First line of the error of a failed run.
    """

    path: str
    experiment: str
    state: str
    job: str | None = None
    host: str | None = None
    epoch: int = 0
    max_epochs: int | None = None
    step: int | None = None
    max_steps: int | None = None
    metric: str = ""
    value: float | None = None
    best: float | None = None
    speed: float | None = None
    unit: str = ""
    seconds_left: float | None = None
    age: float | None = None
    error: str = ""


def is_active(record: Record) -> bool:
    """Whether a run is being trained or waits for a SLURM job."""
    is_requeued = record.state == "preempted" and "job" in _status(Path(record.path))
    return record.state in ACTIVE or is_requeued


def progress(record: Record) -> Progress:
    """Read the progress of a run from its status, and the last lines of its metrics and its log."""
    path = Path(record.path)
    status, last = _status(path), last_values(path / "metrics.csv")
    epochs = _epoch_ends(path / "log.txt")
    max_epochs, max_steps = (_limit(record.settings.get(f"trainer.max_{name}")) for name in ("epochs", "steps"))
    completed = epochs[-1][0] if epochs else 0
    step = int(last["step"]) + 1 if "step" in last else None
    speed = next((name for name in SPEEDS if name in last), "")
    return Progress(
        path=record.path,
        experiment=record.experiment,
        state=record.state,
        job=status.get("job"),
        host=status.get("host"),
        epoch=completed,
        max_epochs=max_epochs,
        step=step,
        max_steps=max_steps,
        metric=record.monitor,
        value=last.get(record.monitor),
        best=record.metrics.get(record.monitor),
        speed=last.get(speed),
        unit="tokens/s" if speed == SPEEDS[0] else "samples/s",
        seconds_left=_seconds_left(epochs, step, max_epochs, max_steps) if record.state == "running" else None,
        age=_age(path / "metrics.csv"),
        error=record.error,
    )


def _status(path: Path) -> dict[str, Any]:
    with suppress(OSError):
        return read_json(path / "status.json") or {}
    return {}


def last_values(file: Path) -> dict[str, float]:
    """Return the last value of each column of a metrics file, as far as its last rows have one."""
    try:
        with file.open("rb") as stream:
            columns = next(csv.reader([stream.readline().decode(errors="replace")]), [])
            stream.seek(max(stream.tell(), os.fstat(stream.fileno()).st_size - TAIL_BYTES))
            lines = stream.read().decode(errors="replace").split("\n")
    except OSError:
        return {}
    values: dict[str, float] = {}
    for row in csv.reader(lines[:-1]):  # the last one is empty, or being written
        if len(row) == len(columns):  # the first one may be incomplete
            for name, text in zip(columns, row, strict=True):
                with suppress(ValueError):
                    values[name] = float(text)
    return values


def _epoch_ends(log: Path) -> list[tuple[int, datetime]]:
    """Return number and end of the last epochs in a log."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - TAIL_BYTES))
            text = stream.read().decode(errors="replace")
    except OSError:
        return []
    return [(int(number), datetime.fromisoformat(moment)) for moment, number in EPOCH_LINE.findall(text)]


def _seconds_left(
    epochs: list[tuple[int, datetime]], step: int | None, max_epochs: int | None, max_steps: int | None
) -> float | None:
    if len(epochs) < 2 or epochs[-1][0] != epochs[-2][0] + 1:  # resumed in between
        return None
    (_, begin), (number, end) = epochs[-2:]
    left: list[float] = []
    if max_epochs:
        left.append(max_epochs - number)
    if max_steps and step:
        left.append(max_steps / (step / number) - number)
    since = (datetime.now() - end).total_seconds()
    return max(0.0, min(left) * (end - begin).total_seconds() - since) if left else None


def _limit(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _age(file: Path) -> float | None:
    with suppress(OSError):
        return max(0.0, time.time() - file.stat().st_mtime)
    return None
