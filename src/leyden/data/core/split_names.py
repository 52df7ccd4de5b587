"""The names of the three splits in datasets."""

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
EITHER = ("eval", "evaluation")  # the test split beside dev, the validation split beside test
_SPLIT_OF: dict[str, Split] = {name: split for split, names in NAMES.items() for name in names}


def split_of(name: str) -> Split | None:
    """The split with this name, ignoring case; None if it is not the name of a split."""
    return _SPLIT_OF.get(name.strip().casefold())


def splits_of(names: Iterable[str]) -> dict[str, Split]:
    """The split of each of the names of sibling folders or cells; other names are left out."""
    splits = {name: split for name in names if (split := split_of(name))}
    missing: list[Split] = [split for split in SPLITS[1:] if split not in splits.values()]
    if len(missing) == 1:
        splits |= {name: missing[0] for name in names if name.strip().casefold() in EITHER}
    return splits


def splits_in_column(file: Path, cells: Sequence[tuple[int, str]]) -> list[Split]:
    """The split of each row of a manifest or a table.

    Args:
        file: the manifest or table.
        cells: line number and cell of the column `split`, for each row.

    Raises:
        DataError: a cell is not the name of a split.
    """
    splits = splits_of(sorted({name for _, name in cells}))
    for line, name in cells:
        if name.casefold() in EITHER and name not in splits:
            raise DataError(f"{file}:{line}: split {name!r} may be validation or test: rename it to one of them")
        if name not in splits:
            names = ", ".join(NAMES[split][0] for split in SPLITS)
            raise DataError(f"{file}:{line}: split is {name!r}; expected {names}")
    return [splits[name] for _, name in cells]


def split_in(stem: str) -> Split | None:
    """The split named by a part of a longer name, such as `wiki.valid.tokens` or `2021_train`; None unless exactly one."""
    parts = {split for part in re.split(r"[^a-zA-Z]+", stem) if (split := split_of(part))}
    return parts.pop() if len(parts) == 1 else None


def other_names(name: str) -> list[str]:
    """The name and its synonyms for the same split, in the usual letter cases; otherwise the name alone."""
    split = split_of(name)
    synonyms = NAMES[split] if split else ()
    return list(
        dict.fromkeys([name, *(form for synonym in synonyms for form in (synonym, synonym.title(), synonym.upper()))])
    )
