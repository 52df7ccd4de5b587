"""Regular expressions on the paths of a dataset's files."""

import re
from pathlib import Path
from unicodedata import normalize

from ..core.error import DataError


def path_name(path: Path, root: Path) -> str:
    """Path below `root`, normalized to NFC: macOS decomposes file names."""
    below = path.relative_to(root) if path.is_relative_to(root) else path
    return normalize("NFC", below.as_posix())


def part_of_name(path: Path, root: Path, pattern: str, setting: str) -> str:
    """First group of a regular expression in the path below `root`, or its whole match if it has no groups.

    Raises:
        DataError: it does not match.
    """
    name = path_name(path, root)
    match = re.search(pattern, name)
    part = match and (match[1] if match.re.groups else match[0])
    if part is None:
        raise DataError(f"data.{setting}={pattern!r} does not match {name!r} in {root}")
    return part
