"""File input and output that is robust to full disks, read-only folders and unreliable file systems."""

import csv
import errno
import logging
import os
import platform
import re
import secrets
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

UNFINISHED = ".part"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
DISK_ERRORS = (*FULL, *READ_ONLY, errno.EIO, errno.ESTALE)


def disk_error(error: BaseException | None) -> OSError | None:
    """Return the disk error in an exception's chain of causes, or None."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in DISK_ERRORS:
            return error
        error = error.__cause__
    return None


def unfinished(path: Path) -> Path:
    """Temporary path in the same folder, unique to this process and host."""
    return path.with_name(f".{path.name[:40]}.{platform.node()}-{os.getpid()}-{secrets.token_hex(4)}{UNFINISHED}")


def remove_abandoned(folder: Path) -> None:
    """Remove temporary files of killed processes; those of other hosts once they have not changed for an hour."""
    for path in folder.glob(f".*{UNFINISHED}"):
        writer = re.fullmatch(rf"\..*\.(.*)-(\d+)-[0-9a-f]{{8}}{re.escape(UNFINISHED)}", path.name)
        with suppress(OSError):  # another process may have removed it
            if not writer or not _may_be_alive(writer[1], int(writer[2]), path):
                path.unlink()


def _may_be_alive(host: str, process: int, path: Path) -> bool:
    if host != platform.node():
        return time.time() - path.stat().st_mtime < 3600
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # the process belongs to another user
        pass
    return True


def write_atomically(path: Path, text: str | Iterable[str]) -> None:
    """Write text, or an iterable of lines, to a temporary file, flush it to disk and rename it to `path`."""
    temporary = unfinished(path)
    try:
        # Characters that are not valid Unicode, as in file names, become escapes, which JSON reads back unchanged.
        with temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines([text] if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_in_place(path: Path, text: str) -> None:
    """Overwrite a small file within the blocks that it already occupies, which works on a full disk.

    Raises:
        OSError: The text does not fit, or the file system does not write in place.
    """
    data = text.encode()
    with path.open("r+b") as file:
        if len(data) > os.fstat(file.fileno()).st_blocks * 512:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        file.write(data)
        file.truncate()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Flush a file or the entries of a folder to disk, so that they survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class LogFile(logging.FileHandler):
    """A log file whose write errors are reported once and do not stop the run."""

    def __init__(self, path: Path) -> None:
        # With delay, an error in opening the file is handled by `emit`.
        super().__init__(path, delay=True, encoding="utf-8", errors="backslashreplace")
        self.is_complete = True

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif self.is_complete:
            self.is_complete = False
            print(f"{self.baseFilename} cannot be written: {error}", file=sys.stderr)


def complete_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file that is appended to, up to one that a killed process left incomplete."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            # A file system may fill unwritten blocks with zeros.
            if b"\0" in line or not line.endswith(b"\n"):
                return
            yield line.decode("utf-8", errors="replace")


class Curve(NamedTuple):
    """The logged values of a metric, with the step of each and its epoch (-1 if unknown)."""

    steps: list[int]
    epochs: list[int]
    values: list[float]


def read_curves(path: Path) -> dict[str, Curve]:
    """Return the curve of each metric in metrics.csv; empty if there is no such file."""
    curves: dict[str, Curve] = {}
    for row in csv.DictReader(complete_lines(path)):
        for name, value in row.items():
            if value and name not in ("step", "epoch") and row.get("step"):
                curve = curves.setdefault(name, Curve([], [], []))
                curve.steps.append(int(row["step"]))
                curve.epochs.append(int(float(row.get("epoch") or -1)))
                curve.values.append(float(value))
    return curves


def installed_version(package: str) -> str:
    """Return the version of an installed package without importing it; empty if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""
