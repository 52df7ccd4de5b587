"""The three splits, and the names that datasets give to them."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from .error import DataError

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

NAMES: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev", "development"),
    "test": ("test", "testing"),
}
EITHER = ("eval", "evaluation")  # beside dev the test split, beside test the validation split
_SPLIT_OF: dict[str, Split] = {name: split for split, names in NAMES.items() for name in names}


def split_of(name: str) -> Split | None:
    """The split that a folder, a file or a value of a manifest is called by, in any letter case."""
    return _SPLIT_OF.get(name.strip().casefold())


def splits_of(names: Iterable[str]) -> dict[str, Split]:
    """The split of each of the names that stand beside one another; without those that are none, or tell no split."""
    known = {name: split for name in names if (split := split_of(name))}
    free: list[Split] = [split for split in SPLITS[1:] if split not in known.values()]
    if len(free) == 1:
        known |= {name: free[0] for name in names if name.strip().casefold() in EITHER}
    return known


def splits_in_column(file: Path, cells: Sequence[tuple[int, str]]) -> list[Split]:
    """The split of each row of a manifest or a table.

    Args:
        file: the manifest or table.
        cells: line and what the column `split` holds, of each row.

    Raises:
        DataError: a cell names no split.
    """
    known = splits_of(sorted({name for _, name in cells}))
    for line, name in cells:
        if name.casefold() in EITHER and name not in known:
            raise DataError(f"{file}:{line}: is the split {name!r} for validation or for the test? Call it so")
        if name not in known:
            names = ", ".join(NAMES[split][0] for split in SPLITS)
            raise DataError(f"{file}:{line}: split is {name!r}; expected {names}")
    return [known[name] for _, name in cells]


def split_in(stem: str) -> Split | None:
    """The split that a part of a longer name tells, as in `wiki.valid.tokens` or `2021_train`; None without a single one."""
    parts = {split for part in re.split(r"[^a-zA-Z]+", stem) if (split := split_of(part))}
    return parts.pop() if len(parts) == 1 else None


def other_names(name: str) -> list[str]:
    """The name, and all others that its split may have, in the usual letter cases; the name alone where it tells none."""
    split = split_of(name)
    return list(
        dict.fromkeys(
            [name, *(form for one in (NAMES[split] if split else ()) for form in (one, one.title(), one.upper()))]
        )
    )
