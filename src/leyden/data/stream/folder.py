import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from filelock import FileLock

from ..core.error import DataError
from .metadata import check_text

REMOTE = ("s3://", "gs://", "azure://", "r2://", "local:")  # what litdata downloads from, file by file
CHUNKS = "*.bin"


def litdata_part(name: str) -> Any:
    """A module of litdata.

    Raises:
        DataError: it is not installed.
    """
    from importlib import import_module

    try:
        return import_module(f"litdata.{name}")
    except ImportError as error:
        raise DataError("data.stream needs litdata; install litdata, or the extra `stream` of this project") from error


class StreamFolder:
    """The files of a stream: those of a folder where they are; those of a remote store in a folder of this machine.

    There each file is brought once for all processes of a node. Chunks that were used longest ago make room for others;
    a process that still has one of them mapped keeps it until it lets go.

    Args:
        address: a folder, or one of a remote store; `local:` before a folder has its files copied, too.
        kept: where files of a remote store are kept; unused for a folder.
        limit: of the chunks that are kept there, in bytes.
    """

    def __init__(self, address: str, kept: Path, limit: float) -> None:
        self.address, self.is_remote, self.limit = address.rstrip("/"), address.startswith(REMOTE), limit
        self.path = kept if self.is_remote else Path(address).expanduser()
        self._downloader: tuple[int, Any] = (0, None)

    def read(self, name: str) -> str:
        """A text as it is now, whatever is kept of it."""
        if not self.is_remote:
            return self._text(self.path / name)
        with TemporaryDirectory() as folder:
            self._download(name, Path(folder) / Path(name).name)
            return self._text(Path(folder) / Path(name).name)

    def _text(self, path: Path) -> str:
        check_text(self.address, path.name, path.stat().st_size)
        return path.read_text(encoding="utf-8")

    def file(self, name: str, num_bytes: int | None = None) -> Path:
        """A file of the stream on this machine.

        Args:
            name: below the stream's folder.
            num_bytes: its size where it is known.

        Raises:
            DataError: it is not there, or it is cut.
        """
        path = self.path / name
        if self.is_remote and not _use(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{path}.fetch"):  # litdata's own lock does not wait
                if not path.exists():
                    if num_bytes:
                        self._make_room(num_bytes)
                    self._download(name, path)
                    if num_bytes:
                        self._make_room(0)  # of others, which made room at the same time as this process
        self.check(path, num_bytes)
        return path

    def check(self, path: Path, num_bytes: int | None) -> None:
        present = path.stat().st_size if path.is_file() else None
        if present is None or num_bytes not in (None, present):
            state = "is missing" if present is None else f"has {present} bytes instead of {num_bytes}"
            raise DataError(f"data.stream={self.address}: {path} {state}; copy or write the stream again")

    def _download(self, name: str, path: Path) -> None:
        downloader = litdata_part("streaming.downloader")
        if self._downloader[0] != os.getpid():  # connections do not survive a fork
            self._downloader = (os.getpid(), downloader.get_downloader(self.address, str(path.parent), []))
        try:
            self._downloader[1].download_file(f"{self.address}/{name}", str(path))
        except Exception as error:  # each store has its own
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise DataError(f"data.stream={self.address}: cannot bring {name}: {reason}") from error

    def _make_room(self, num_bytes: int) -> None:
        known = []
        for path in self.path.rglob(CHUNKS):
            try:
                state = path.stat()
            except FileNotFoundError:  # another process has made room
                continue
            known.append((state.st_mtime_ns, state.st_size, path))
        excess = sum(size for _, size, _ in known) + num_bytes - self.limit
        for _, size, path in sorted(known):
            if excess <= 0:
                break
            path.unlink(missing_ok=True)
            excess -= size


def _use(path: Path) -> bool:
    """Notes that a file is used, and tells whether it is there."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True
