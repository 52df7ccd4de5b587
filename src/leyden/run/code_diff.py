"""Differences between a run's copy of the code and the working tree, or the copy of another run."""

import sys
from collections.abc import Iterator
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path

from ..errors import UserError
from .code_copy import CodeCopy
from .code_writer import MAX_FILE_BYTES
from .project_files import is_secret, own_files


def diff_from_tree(run: Path, root: Path, runs: Path) -> Iterator[str]:
    """Yield the lines of a unified diff from a run's copy to the working tree; report files of the copy that were edited.

    Args:
        run: The run directory.
        root: The project's folder.
        runs: Folder of the run directories.

    Raises:
        UserError: The run has no copy.
    """
    copy = CodeCopy(run)
    files, left_out = _files(copy), copy.read()["left_out"]
    now = {name for name in own_files(root, runs) if _is_comparable(root / name)}
    now |= {name for name in files if (root / name).is_file()}  # such as targets of links
    for name in sorted(files.keys() | now - left_out.keys()):
        hash_, path = files.get(name), root / name
        if name in now and hash_ and sha256(path.read_bytes()).hexdigest() == hash_:
            continue
        yield from _lines(name, copy.folder / name if hash_ else None, path if name in now else None)
    for name, hash_ in sorted(files.items()):
        if _is_edited(copy.folder / name, hash_):
            print(f"{copy.folder / name} was changed after it was copied", file=sys.stderr)


def diff_of_copies(first: Path, second: Path) -> Iterator[str]:
    """Yield the lines of a unified diff between the copies of two runs.

    Raises:
        UserError: A run has no copy.
    """
    copies = CodeCopy(first), CodeCopy(second)
    before, after = map(_files, copies)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            paths = (
                copy.folder / name if name in files else None
                for copy, files in zip(copies, (before, after), strict=True)
            )
            yield from _lines(name, *paths, labels=(first.name, second.name))


def _files(copy: CodeCopy) -> dict[str, str]:
    """Return the hashes of the copied files, without links.

    Raises:
        UserError: The run has no copy.
    """
    if not copy.listing.exists():
        raise UserError(f"{copy.folder.parent} has no copy of the code: it was created by an older version")
    if not copy.folder.is_dir():
        raise UserError(f"the copy of the code is gone: there is no folder {copy.folder}")
    return {name: hash_ for name, hash_ in copy.read()["files"].items() if not hash_.startswith("link to ")}


def _is_comparable(path: Path) -> bool:
    is_plain = path.is_file() and not path.is_symlink() and not is_secret(path.name)
    return is_plain and path.stat().st_size <= MAX_FILE_BYTES


def _is_edited(path: Path, hash_: str) -> bool:
    return not path.is_file() or sha256(path.read_bytes()).hexdigest() != hash_


def _lines(name: str, before: Path | None, now: Path | None, labels: tuple[str, str] = ("run", "now")) -> list[str]:
    old, new = (path.read_bytes() if path and path.is_file() else b"" for path in (before, now))
    names = f"{labels[0]}/{name}" if before else "/dev/null", f"{labels[1]}/{name}" if now else "/dev/null"
    if b"\0" in old + new:
        return [f"Binary files {names[0]} and {names[1]} differ\n"]
    old_lines, new_lines = (part.decode(errors="replace").splitlines(keepends=True) for part in (old, new))
    lines = list(unified_diff(old_lines, new_lines, names[0], names[1])) or [
        f"--- {names[0]}\n",
        f"+++ {names[1]}\n",
    ]  # an empty file
    return [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
