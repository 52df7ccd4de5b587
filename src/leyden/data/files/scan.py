"""Which files a folder holds: one look at it, with an account of what is left out and why."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple

from ..core.account import Ignored

SYSTEM = {"thumbs.db", "desktop.ini", "__macosx", "@eadir", "lost+found", "$recycle.bin", "system volume information"}


class Scan(NamedTuple):
    """Files of the right kinds below a folder, in the order of their names, and all others by reason."""

    folder: Path
    files: list[Path]
    ignored: Ignored


def scan(folder: Path, suffixes: Collection[str]) -> Scan:
    """Looks for files with one of the suffixes, which are in lower case, at all depths.

    Links to folders are followed, except to a folder that they lie in. Hidden files and folders (whose names begin with
    a dot, as those of `.ipynb_checkpoints`, and `._x` of macOS) and what systems leave in folders are ignored.
    """
    ignored, found = Ignored(), []
    for path in _walk(folder, frozenset(), ignored):
        if path.suffix.lower() in suffixes:
            found.append(path)
        else:
            ignored.add(f"of another kind ({path.suffix.lower() or 'no suffix'})", path)
    return Scan(folder, sorted(found), ignored)


def _walk(folder: Path, above: frozenset[tuple[int, int]], ignored: Ignored) -> Iterator[Path]:
    """The regular files below a folder; `above` are the identities of the folders that it lies in."""
    try:
        own = folder.stat()
        with os.scandir(folder) as listing:
            entries = list(listing)
    except OSError as error:
        ignored.add(f"in a folder that cannot be listed ({error.strerror})", folder)
        return
    above = above | {(own.st_dev, own.st_ino)}
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            ignored.add("hidden", path)
        elif entry.name.casefold() in SYSTEM:
            ignored.add("of the operating system", path)
        elif entry.is_symlink():
            yield from _linked(path, above, ignored)
        elif entry.is_dir():
            yield from _walk(path, above, ignored)
        elif entry.is_file():
            yield path
        else:
            ignored.add("no regular file", path)


def _linked(path: Path, above: frozenset[tuple[int, int]], ignored: Ignored) -> Iterator[Path]:
    try:
        target = path.stat()
    except OSError:  # of no target, or a chain of links without end
        ignored.add("broken link", path)
        return
    if (target.st_dev, target.st_ino) in above:
        ignored.add("link to a folder that it lies in", path)
    elif S_ISDIR(target.st_mode):
        yield from _walk(path, above, ignored)
    elif S_ISREG(target.st_mode):
        yield path
    else:
        ignored.add("no regular file", path)
