"""Disk usage of the runs of a project, and removal of checkpoints. Torch-free."""

import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..errors import UserError
from ..io import UNFINISHED, remove_abandoned
from ..run.directory import RunDirectory
from .progress import is_active
from .records import Record

CHECKPOINTS, OLD = "checkpoints", timedelta(days=30)


@dataclass
class Usage:
    """Disk usage of the runs in a state, in bytes.

    Attributes:
        state: As in `Record`.
        runs: Number of runs.
        checkpoints: Of their checkpoints.
        old_checkpoints: Of the checkpoints of runs created more than 30 days ago.
        plots: Of their figures.
        other: Of everything else: code, logs, metrics, predictions.
    """

    state: str
    runs: int = 0
    checkpoints: int = 0
    old_checkpoints: int = 0
    plots: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        return self.checkpoints + self.plots + self.other


@dataclass(frozen=True)
class Removal:
    """Checkpoints of a run that can be removed, or the reason why none is.

    Attributes:
        record: The run.
        files: The checkpoints.
        size: Their size in bytes.
        reason: Why none is removed; empty otherwise.
    """

    record: Record
    files: list[Path] = field(default_factory=list)
    size: int = 0
    reason: str = ""


def usage(records: list[Record]) -> list[Usage]:
    """Return the disk usage of the runs in each state, the largest first."""
    limit = f"{datetime.now(UTC) - OLD:%Y-%m-%d}"
    by_state: dict[str, Usage] = {}
    for record in records:
        entry = by_state.setdefault(record.state, Usage(record.state))
        entry.runs += 1
        for path, size in _files(Path(record.path)):
            folder = path.relative_to(record.path).parts[0]
            if folder == CHECKPOINTS and path.suffix in (".ckpt", UNFINISHED):
                entry.checkpoints += size
                entry.old_checkpoints += size if record.created < limit else 0
            elif folder == "plots":
                entry.plots += size
            else:
                entry.other += size
    return sorted(by_state.values(), key=lambda entry: entry.total, reverse=True)


def removal(record: Record, best: bool) -> Removal:
    """Return which checkpoints of a run to remove: all, except the best one of a finished run.

    Args:
        record: The run.
        best: Whether to also remove the best checkpoints of finished runs.
    """
    if is_active(record):
        return Removal(record, reason=f"it is {record.state}")
    path = Path(record.path)
    files = sorted(path.glob(f"{CHECKPOINTS}/*.ckpt"))
    if record.state == "finished" and not best:
        kept = RunDirectory(path).best.get("file", f"{CHECKPOINTS}/last.ckpt")  # without a best one, the last is tested
        files = [file for file in files if file != path / kept]
    return Removal(record, files, sum(file.stat().st_size for file in files))


def remove(planned: Removal) -> int:
    """Remove checkpoints, record this in the run's status, and return the number of bytes freed.

    Raises:
        UserError: The run has been started in the meantime.
    """
    run = RunDirectory(Path(planned.record.path))
    with run.claimed(seconds=0):
        if run.status["state"] in ("running", "submitted") and planned.record.state != "killed":
            raise UserError(f"{run.path} has been started in the meantime; its checkpoints were kept")
        earlier = run.status.get("cleaned", {}).get("files", [])
        names = [str(file.relative_to(run.path)) for file in planned.files]
        # Recorded first: a run without its checkpoints always says why.
        moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        run.update_status(cleaned={"time": moment, "host": platform.node(), "files": sorted({*earlier, *names})})
        for file in planned.files:
            file.unlink(missing_ok=True)
        remove_abandoned(run.path / CHECKPOINTS)
    return planned.size


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                path = Path(parent, name)
                yield path, path.lstat().st_size
