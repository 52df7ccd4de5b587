"""Recursive search for files, with a count of the ignored files by reason."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple

from ..core.account import Ignored

SYSTEM = {"thumbs.db", "desktop.ini", "__macosx", "@eadir", "lost+found", "$recycle.bin", "system volume information"}


class Scan(NamedTuple):
    """Files below a folder with one of the suffixes, sorted by name, and the ignored files."""

    folder: Path
    files: list[Path]
    ignored: Ignored


def scan(folder: Path, suffixes: Collection[str]) -> Scan:
    """Find files with one of the suffixes, given in lower case, at any depth.

    Links to folders are followed, except to an ancestor folder. Hidden files and folders, whose names start with a dot,
    and files of the operating system are ignored.
    """
    ignored, matches = Ignored(), []
    for path in _walk(folder, frozenset(), ignored):
        if path.suffix.lower() in suffixes:
            matches.append(path)
        else:
            ignored.add(f"with another suffix ({path.suffix.lower() or 'none'})", path)
    return Scan(folder, sorted(matches), ignored)


def _walk(folder: Path, above: frozenset[tuple[int, int]], ignored: Ignored) -> Iterator[Path]:
    """Regular files below a folder; `above` holds the device and inode numbers of its ancestors."""
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
            ignored.add("not a regular file", path)


def _linked(path: Path, above: frozenset[tuple[int, int]], ignored: Ignored) -> Iterator[Path]:
    try:
        target = path.stat()
    except OSError:  # the target does not exist, or the link is circular
        ignored.add("broken link", path)
        return
    if (target.st_dev, target.st_ino) in above:
        ignored.add("link to an ancestor folder", path)
    elif S_ISDIR(target.st_mode):
        yield from _walk(path, above, ignored)
    elif S_ISREG(target.st_mode):
        yield path
    else:
        ignored.add("not a regular file", path)
