import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from filelock import FileLock

from ..core.error import DataError
from .metadata import check_text

REMOTE = ("s3://", "gs://", "azure://", "r2://", "local:")  # addresses from which litdata downloads files
CHUNKS = "*.bin"


def litdata_part(name: str) -> Any:
    """Import a module of litdata.

    Raises:
        DataError: litdata is not installed.
    """
    from importlib import import_module

    try:
        return import_module(f"litdata.{name}")
    except ImportError as error:
        raise DataError("data.stream needs litdata: install litdata, or the extra `stream` of this project") from error


class StreamFolder:
    """Files of a stream: a local folder, or a local copy of a remote one.

    Each remote file is downloaded once for all processes of a node. The least recently used chunks are removed to make
    room; a process that has one of them memory-mapped keeps it until it is unmapped.

    Args:
        address: a folder or a remote address; `local:` before a folder treats it as remote.
        kept: folder for downloaded files; unused for a local folder.
        limit: maximum size of the downloaded chunks in bytes.
    """

    def __init__(self, address: str, kept: Path, limit: float) -> None:
        self.address, self.is_remote, self.limit = address.rstrip("/"), address.startswith(REMOTE), limit
        self.path = kept if self.is_remote else Path(address).expanduser()
        self._downloader: tuple[int, Any] = (0, None)

    def read(self, name: str) -> str:
        """Read a text file, always from its origin."""
        if not self.is_remote:
            return self._text(self.path / name)
        with TemporaryDirectory() as folder:
            self._download(name, Path(folder) / Path(name).name)
            return self._text(Path(folder) / Path(name).name)

    def _text(self, path: Path) -> str:
        check_text(self.address, path.name, path.stat().st_size)
        return path.read_text(encoding="utf-8")

    def file(self, name: str, num_bytes: int | None = None) -> Path:
        """Path of a file of the stream, downloaded if necessary.

        Args:
            name: path below the stream's folder.
            num_bytes: expected size, or None.

        Raises:
            DataError: the file is missing or truncated.
        """
        path = self.path / name
        if self.is_remote and not _touch(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{path}.fetch"):  # litdata's own lock does not block
                if not path.exists():
                    if num_bytes:
                        self._make_room(num_bytes)
                    self._download(name, path)
                    if num_bytes:
                        self._make_room(0)  # other processes may have downloaded at the same time
        self.check(path, num_bytes)
        return path

    def check(self, path: Path, num_bytes: int | None) -> None:
        present = path.stat().st_size if path.is_file() else None
        if present is None or num_bytes not in (None, present):
            state = "is missing" if present is None else f"has {present} bytes instead of {num_bytes}"
            raise DataError(f"data.stream={self.address}: {path} {state}; copy the stream again or rewrite it")

    def _download(self, name: str, path: Path) -> None:
        downloader = litdata_part("streaming.downloader")
        if self._downloader[0] != os.getpid():  # connections do not survive a fork
            self._downloader = (os.getpid(), downloader.get_downloader(self.address, str(path.parent), []))
        try:
            self._downloader[1].download_file(f"{self.address}/{name}", str(path))
        except Exception as error:  # each store has its own exceptions
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise DataError(f"data.stream={self.address}: cannot download {name}: {reason}") from error

    def _make_room(self, num_bytes: int) -> None:
        chunks = []
        for path in self.path.rglob(CHUNKS):
            try:
                stat = path.stat()
            except FileNotFoundError:  # removed by another process
                continue
            chunks.append((stat.st_mtime_ns, stat.st_size, path))
        excess = sum(size for _, size, _ in chunks) + num_bytes - self.limit
        for _, size, path in sorted(chunks):
            if excess <= 0:
                break
            path.unlink(missing_ok=True)
            excess -= size


def _touch(path: Path) -> bool:
    """Mark a file as recently used; returns whether it exists."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True
