"""`leyden diff`: the differences between a run's copy of the code and the working tree."""

import sys
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path

from ..errors import UserError
from .code_copy import CodeCopy
from .code_writer import MAX_FILE_BYTES
from .project_files import is_secret, own_files


def diff(run: Path, root: Path, runs: Path) -> int:
    """Print a unified diff from the run's copy to the working tree.

    Args:
        run: The run directory.
        root: The project's folder.
        runs: Folder of the run directories.


    Raises:
        UserError: The run has no copy.
    """
    copy = CodeCopy(run)
    listing = copy.read()
    if not copy.listing.exists():
        raise UserError(f"{run} has no copy of the code: it was created by an older version")
    before = {name for name, hash_or_link in listing["files"].items() if not hash_or_link.startswith("link to ")}
    now = {name for name in own_files(root, runs) if _is_comparable(root / name)}
    now |= {name for name in before if (root / name).is_file()}  # such as targets of links
    changed = 0
    for name in sorted(before | now - listing["left_out"].keys()):
        hash_, path = listing["files"].get(name), root / name
        if name in now and hash_ and sha256(path.read_bytes()).hexdigest() == hash_:
            continue
        changed += 1
        sys.stdout.writelines(_lines(name, copy.folder / name if hash_ else None, path if name in now else None))
    edited = [name for name in sorted(before) if _is_edited(copy.folder / name, listing["files"][name])]
    for name in edited:
        print(f"{copy.folder / name} was changed after it was copied", file=sys.stderr)
    if not changed:
        print("no difference between this run's code and the working tree", file=sys.stderr)
    return 0


def _is_comparable(path: Path) -> bool:
    is_plain = path.is_file() and not path.is_symlink() and not is_secret(path.name)
    return is_plain and path.stat().st_size <= MAX_FILE_BYTES


def _is_edited(path: Path, hash_: str) -> bool:
    return not path.is_file() or sha256(path.read_bytes()).hexdigest() != hash_


def _lines(name: str, before: Path | None, now: Path | None) -> list[str]:
    old, new = (path.read_bytes() if path and path.is_file() else b"" for path in (before, now))
    names = f"run/{name}" if before else "/dev/null", f"now/{name}" if now else "/dev/null"
    if b"\0" in old + new:
        return [f"Binary files {names[0]} and {names[1]} differ\n"]
    old_lines, new_lines = (part.decode(errors="replace").splitlines(keepends=True) for part in (old, new))
    lines = list(unified_diff(old_lines, new_lines, names[0], names[1])) or [
        f"--- {names[0]}\n",
        f"+++ {names[1]}\n",
    ]  # an empty file
    return [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
