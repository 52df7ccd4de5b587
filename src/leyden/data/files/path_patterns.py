"""What regular expressions find in the paths of a dataset's files."""

import re
from pathlib import Path
from unicodedata import normalize

from ..core.error import DataError


def path_name(path: Path, root: Path) -> str:
    """The path below `root`, in composed characters (NFC): macOS has them decomposed in names of files."""
    below = path.relative_to(root) if path.is_relative_to(root) else path
    return normalize("NFC", below.as_posix())


def part_of_name(path: Path, root: Path, pattern: str, setting: str) -> str:
    """The first group of a pattern in the path below `root`; the whole match of a pattern without groups.

    Raises:
        DataError: it does not match; the message names the setting that it comes from.
    """
    name = path_name(path, root)
    match = re.search(pattern, name)
    part = match and (match[1] if match.re.groups else match[0])
    if part is None:
        raise DataError(f"data.{setting}={pattern!r} does not match {name!r} in {root}")
    return part
