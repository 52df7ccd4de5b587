"""What a full disk, a folder that must not be written or a file system that hiccups does to a run."""

import errno
import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
DISK_ERRORS = (*FULL, *READ_ONLY, errno.EIO, errno.ESTALE)


def disk_error(error: BaseException | None) -> OSError | None:
    """The error of the disk that this one is, or that it was raised from."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in DISK_ERRORS:
            return error
        error = error.__cause__
    return None


def write_atomically(path: Path, text: str | Iterable[str]) -> None:
    """Writes a text, or its lines one by one, beside the old file and takes its place when complete and on the disk."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # What is no text, such as a part of a file's name, becomes an escape, which JSON reads back as it was.
        with temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines([text] if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Brings what was written to a file, or the names in a folder, to the disk: it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class LogFile(logging.FileHandler):
    """A log that says once that it cannot be written: a line of it is not worth a run."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, delay=True, encoding="utf-8", errors="backslashreplace")  # opening may fail, too: later
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
