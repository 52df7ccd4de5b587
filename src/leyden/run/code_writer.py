"""Copies files of a project one by one, within limits."""

import os
import sys
from contextlib import suppress
from hashlib import sha256
from importlib.util import cache_from_source
from pathlib import Path

from .project_files import SOURCE, is_secret

FILE_BYTES, TOTAL_BYTES = 5_000_000, 50_000_000


class CodeWriter:
    """Copies files, and keeps a list of them and of those that it has left out.

    They are read-only in the copy, so that an editor warns whoever opens the wrong one, and have the times of the
    originals: so compiled modules, which come with their source, are valid, and importing the copy takes no longer.

    Args:
        root: the project's folder.
        folder: of the copy.
        previous: folder of another copy, with which files that are the same share their place on the disk.
    """

    def __init__(self, root: Path, folder: Path, previous: Path | None) -> None:
        self.root, self.folder, self.previous = root, folder, previous
        self.files: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        self.num_bytes = 0
        self._folders = {folder}

    def copy(self, name: str) -> None:
        """Copies the file of that name; a link stays one, unless it would lead the source to other code later."""
        path = self.root / name
        if path.is_symlink() and not self._is_to_follow(path):
            copy = self.folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(path.readlink())
            self.files[name] = f"link to {path.readlink()}"
            return
        for part in _parts(path, name):
            content, reason = _content(path if part == name else self.root / part, TOTAL_BYTES - self.num_bytes)
            if content is None or (b"\0" in content and not name.startswith(f"{SOURCE}/")):
                self.left_out[part] = reason or "it is no text"
                continue
            self.files[part] = sha256(content).hexdigest()
            self.num_bytes += len(content)
            self._write(part, content)

    def _is_to_follow(self, link: Path) -> bool:
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
    """The file of that name, or all files in the folder that it links to; none where it was just deleted."""
    if not path.is_dir():
        return [name] if path.is_file() else []
    found = sorted(one for one in path.rglob("*") if one.is_file() and "__pycache__" not in one.parts)
    return [f"{name}/{one.relative_to(path)}" for one in found]


def _content(path: Path, room: int) -> tuple[bytes | None, str]:
    """What is in a file, or None and why it is left out."""
    if is_secret(path.name):
        return None, "it may hold secrets"
    try:
        if (size := path.stat().st_size) > FILE_BYTES:
            return None, f"it is larger than {FILE_BYTES / 1e6:g} MB: keep data outside of {SOURCE}/"
        if size > room:
            return None, f"the copy would be larger than {TOTAL_BYTES / 1e6:g} MB"
        return path.read_bytes(), ""
    except OSError as error:
        return None, f"it cannot be read: {error.strerror}"


def _link(previous: Path, copy: Path, content: bytes, state: os.stat_result) -> bool:
    """Lets a file share its place with one of another copy, if that is the same."""
    try:
        if previous.stat().st_mtime_ns != state.st_mtime_ns or previous.read_bytes() != content:
            return False
        os.link(previous, copy)
    except OSError:  # it is gone, or on another disk
        return False
    return True
