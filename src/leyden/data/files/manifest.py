"""Manifests: tables that list the files of a dataset, with labels and splits."""

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

from ...errors import hint
from ..core.account import Ignored
from ..core.error import DataError
from ..core.split_names import Split, splits_in_column
from .delimited import DELIMITERS, read_cells, read_objects
from .path_patterns import part_of_name
from .scan import scan


class Entry(NamedTuple):
    """A row of a manifest."""

    path: Path
    cells: dict[str, str]  # by column name in lower case, stripped
    split: Split | None  # None if the manifest has no column `split`


class Manifest:
    """A CSV, TSV or JSONL with the column `path` (below the root) and, optionally, `split`; column names ignore case.

    Args:
        root: folder of the dataset.
        name: file name of the manifest, below `root`.
        columns: other required columns.
        may_be_empty: those of them that may have empty cells.
        encoding: encoding of the manifest.
        allow_outside: whether paths may leave `root`.
        names: column names of a file without a header.
        delimiter: character between two cells; by default chosen by the suffix of the file.
        path: template of the path below `root`, in which `*` is replaced by the cell of the column `path`.
    """

    def __init__(
        self,
        root: Path,
        name: str,
        columns: Sequence[str],
        may_be_empty: Sequence[str] = (),
        encoding: str = "utf-8",
        allow_outside: bool = False,
        names: Sequence[str] | None = None,
        delimiter: str | None = None,
        path: str = "*",
    ) -> None:
        if path.count("*") != 1:
            raise ValueError(f"path is {path!r}; expected exactly one * for the cell, as in 'wavs/*.wav'")
        if delimiter is not None and len(delimiter) != 1:
            raise ValueError(f"delimiter is {delimiter!r}; expected one character")
        self.root, self.file, self.columns, self.may_be_empty = root, root / name, columns, may_be_empty
        self.encoding, self.allow_outside = encoding, allow_outside
        self.names, self.delimiter, self.template = names, delimiter, path

    def read(self) -> list[Entry]:
        """All rows, in order.

        Raises:
            DataError: the manifest or a listed file is missing, duplicated or outside `root`, or a column, cell or split is
                missing or invalid.
        """
        if not self.file.is_file():
            raise DataError(f"there is no manifest {self.file.absolute()} (data.manifest, below data.root)")
        rows = [(line, self._named(cells, line)) for line, cells in self._rows()]
        if not rows:
            raise DataError(f"{self.file} has no rows; expected the columns {self._needed()}")
        splits = self._splits(rows)
        entries, lines = [], dict[str, int]()
        for (line, cells), split in zip(rows, splits, strict=True):
            for column in self.columns:
                if not cells[column] and column not in self.may_be_empty:
                    raise DataError(f"{self.file}:{line}: the cell of the column {column!r} is empty")
            path = self._path(cells["path"], line)
            if first := lines.get(os.path.normpath(path)):
                raise DataError(f"{self.file}:{line}: duplicate path {cells['path']!r}, first in line {first}")
            lines[os.path.normpath(path)] = line
            entries.append(Entry(path, cells, split))
        if not {"train", None} & {*splits}:
            splits_in_file = ", ".join(sorted(set(map(str, splits))))
            raise DataError(f"{self.file} has no row with the split train, only {splits_in_file}")
        return entries

    def groups(self, entries: list[Entry], group: str | None) -> list[str]:
        """Group of each entry: the cell of the column `group`, or its match as a regular expression on the path; else ""."""
        if not group:
            return [""] * len(entries)
        if group.casefold() not in entries[0].cells:
            return [part_of_name(entry.path, self.root, group, "group") for entry in entries]
        names = [entry.cells[group.casefold()] for entry in entries]
        if "" in names:
            raise DataError(f"{self.file}: {entries[names.index('')].path} has no {group} (data.group)")
        return names

    def unlisted(self, entries: list[Entry], suffixes: Collection[str]) -> Ignored:
        """Files below the root that are not in the manifest, and those with other suffixes."""
        result = scan(self.root, suffixes)
        result.ignored.add("not in the manifest", *sorted(set(result.files) - {entry.path for entry in entries}))
        return result.ignored

    @property
    def how_to_test(self) -> str:
        return f"set the split of some rows of {self.file} to test, or remove the column split to hold out test samples"

    how_to_delimit = "separate them by commas"  # replaced by data modules with a setting for it

    def _rows(self) -> Iterator[tuple[int, dict[Any, Any]]]:
        suffix = self.file.suffix.lower()
        if suffix == ".jsonl":
            return read_objects(self.file, self.encoding)
        delimiter = self.delimiter or DELIMITERS.get(suffix, ",")
        return read_cells(self.file, self.encoding, delimiter, self.names, has_header=self.names is None)

    def _named(self, row: dict[Any, Any], line: int) -> dict[str, str]:
        names = [str(name).strip().casefold() for name in row]
        if duplicates := {name for name in names if names.count(name) > 1}:
            raise DataError(f"{self.file}: duplicate column {duplicates.pop()!r}, ignoring case")
        if invalid := [value for value in row.values() if not isinstance(value, str | int | float)]:
            raise DataError(f"{self.file}:{line}: expected a text, got {invalid[0]!r}")
        cells = {name: normalize("NFC", str(value).strip()) for name, value in zip(names, row.values(), strict=True)}
        if missing := [name for name in ("path", *self.columns) if name not in cells]:
            remedy = hint(missing[0], names, few=0)
            if delimiter := next((mark for mark in ";\t|" if any(mark in name for name in names)), None):
                remedy = f"; its cells are separated by {delimiter!r}: {self.how_to_delimit}"
            raise DataError(f"{self.file}: expected the columns {self._needed()}, got {list(row)}{remedy}")
        return cells

    def _needed(self) -> str:
        return " and ".join(("path", *self.columns))

    def _splits(self, rows: list[tuple[int, dict[str, str]]]) -> Sequence[Split | None]:
        if "split" not in rows[0][1]:
            return [None] * len(rows)
        return splits_in_column(self.file, [(line, cells.get("split", "")) for line, cells in rows])

    def _path(self, name: str, line: int) -> Path:
        if not name:
            raise DataError(f"{self.file}:{line}: the cell of the column 'path' is empty")
        name = self.template.replace("*", name)
        if not self.allow_outside and (Path(name).is_absolute() or Path(os.path.normpath(name)).parts[:1] == ("..",)):
            raise DataError(
                f"{self.file}:{line}: {name!r} is outside data.root; set data.allow_outside=true to allow this"
            )
        # Names on disk may be decomposed (macOS), and paths in the manifest may have backslashes (Windows).
        forms = [name, normalize("NFD", name), normalize("NFC", name), name.replace("\\", "/")]
        for form in forms:
            if (self.root / form).is_file():
                return self.root / form
        raise DataError(f"{self.file}:{line}: there is no file {self.root / name}")
