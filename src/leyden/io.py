"""What a full disk, a folder that must not be written or a file system that hiccups does to a run."""

import errno
import logging
import os
import platform
import re
import secrets
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

UNFINISHED = ".part"
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


def unfinished(path: Path) -> Path:
    """Where to write what will be at a path: beside it, and no other process on any host takes the same name."""
    return path.with_name(f".{path.name[:40]}.{platform.node()}-{os.getpid()}-{secrets.token_hex(4)}{UNFINISHED}")


def remove_abandoned(folder: Path) -> None:
    """Removes what processes that were killed did not finish; of another host only what has not grown for an hour."""
    for path in folder.glob(f".*{UNFINISHED}"):
        writer = re.fullmatch(rf"\..*\.(.*)-(\d+)-[0-9a-f]{{8}}{re.escape(UNFINISHED)}", path.name)
        with suppress(OSError):  # another process removes it, too
            if not writer or not _may_live(writer[1], int(writer[2]), path):
                path.unlink()


def _may_live(host: str, process: int, path: Path) -> bool:
    if host != platform.node():
        return time.time() - path.stat().st_mtime < 3600
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        pass
    return True


def write_atomically(path: Path, text: str | Iterable[str]) -> None:
    """Writes a text, or its lines one by one, beside the old file and takes its place when complete and on the disk."""
    temporary = unfinished(path)
    try:
        # What is no text, such as a part of a file's name, becomes an escape, which JSON reads back as it was.
        with temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines([text] if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_in_place(path: Path, text: str) -> None:
    """Overwrites a small file with a text, where the disk is full: it still takes what fits into the file's own blocks.

    Raises:
        OSError: it does not fit, or the file system writes nothing in its place.
    """
    data = text.encode()
    with path.open("r+b") as file:
        if len(data) > os.fstat(file.fileno()).st_blocks * 512:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        file.write(data)
        file.truncate()
        os.fsync(file.fileno())


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


def installed_version(package: str) -> str:
    """The version of an installed package, which is not imported; empty where there is none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""
