"""Copy files of a project, within size limits."""

import os
import sys
from contextlib import suppress
from hashlib import sha256
from importlib.util import cache_from_source
from pathlib import Path

from .project_files import SOURCE, is_secret

MAX_FILE_BYTES, MAX_TOTAL_BYTES = 5_000_000, 50_000_000


class CodeWriter:
    """Copy files and record which were copied and which were omitted.

    Copies are read-only, so that editors warn before changing them, and keep modification times, so that compiled
    modules, which are copied with their source, stay valid.

    Args:
        root: The project's folder.
        folder: Folder of the copy.
        previous: Folder of another copy; unchanged files become hard links to it.
    """

    def __init__(self, root: Path, folder: Path, previous: Path | None) -> None:
        self.root, self.folder, self.previous = root, folder, previous
        self.files: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        self.num_bytes = 0
        self._folders = {folder}

    def copy(self, name: str) -> None:
        """Copy a file; keep links, except those in the source whose target could change later."""
        path = self.root / name
        if path.is_symlink() and not self._must_follow(path):
            copy = self.folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(path.readlink())
            self.files[name] = f"link to {path.readlink()}"
            return
        for part in _parts(path, name):
            content, reason = _content(path if part == name else self.root / part, MAX_TOTAL_BYTES - self.num_bytes)
            if content is None or (b"\0" in content and not name.startswith(f"{SOURCE}/")):
                self.left_out[part] = reason or "it is a binary file"
                continue
            self.files[part] = sha256(content).hexdigest()
            self.num_bytes += len(content)
            self._write(part, content)

    def _must_follow(self, link: Path) -> bool:
        source = self.root / SOURCE
        if not link.is_relative_to(source):
            return False
        return link.readlink().is_absolute() or not link.resolve().is_relative_to(source.resolve())

    def _write(self, name: str, content: bytes) -> None:
        original = self.root / name
        state = original.stat()
        self._put(name, content, state)
        compiled = cache_from_source(name) if name.endswith(".py") and not sys.pycache_prefix else ""
        head = b"".join((int(part) & 0xFFFFFFFF).to_bytes(4, "little") for part in (0, state.st_mtime, len(content)))
        with suppress(FileNotFoundError):
            # Bytes 4 to 16 of a compiled module: how it is checked (0: by time and size of its source), and these two.
            if compiled and (code := (self.root / compiled).read_bytes())[4:16] == head:
                self._put(compiled, code, (self.root / compiled).stat())

    def _put(self, name: str, content: bytes, state: os.stat_result) -> None:
        copy = self.folder / name
        self._make_folder(copy)
        if self.previous and _link(self.previous / name, copy, content, state):
            return
        mode = 0o555 if state.st_mode & 0o100 else 0o444
        with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
        os.utime(copy, ns=(state.st_atime_ns, state.st_mtime_ns))

    def _make_folder(self, path: Path) -> None:
        if path.parent not in self._folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(path.parent)


def _parts(path: Path, name: str) -> list[str]:
    """Return the file, or all files in the folder it links to; empty if it was just deleted."""
    if not path.is_dir():
        return [name] if path.is_file() else []
    files = sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return [f"{name}/{file.relative_to(path)}" for file in files]


def _content(path: Path, max_bytes: int) -> tuple[bytes | None, str]:
    """Return the content of a file, or None and the reason for omitting it."""
    if is_secret(path.name):
        return None, "it may contain secrets"
    try:
        if (size := path.stat().st_size) > MAX_FILE_BYTES:
            return None, f"it is larger than {MAX_FILE_BYTES / 1e6:g} MB: keep data outside of {SOURCE}/"
        if size > max_bytes:
            return None, f"the copy would be larger than {MAX_TOTAL_BYTES / 1e6:g} MB"
        return path.read_bytes(), ""
    except OSError as error:
        return None, f"it cannot be read: {error.strerror}"


def _link(previous: Path, copy: Path, content: bytes, state: os.stat_result) -> bool:
    """Create a hard link to the file of another copy if it is unchanged; return whether it was created."""
    try:
        if previous.stat().st_mtime_ns != state.st_mtime_ns or previous.read_bytes() != content:
            return False
        os.link(previous, copy)
    except OSError:  # the file was removed, or is on another disk
        return False
    return True
