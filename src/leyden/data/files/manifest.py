"""Tables that list the files of a dataset: which there are, what is known of each, and to which split it belongs."""

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
    cells: dict[str, str]  # by the name of the column in lower case, without white space around them
    split: Split | None  # None where the manifest tells none


class Manifest:
    """A CSV, TSV or JSONL with the column `path` (below the root) and, optionally, `split`; case does not matter.

    Args:
        root: the folder of the dataset.
        name: of the file, below `root`.
        columns: others that are needed.
        may_be_empty: those of them that may have empty cells.
        encoding: of the file.
        allow_outside: whether paths may lead out of `root`.
        names: of the columns of a file without a header.
        delimiter: between two cells; by default as the ending of the file has it.
        path: of a file below `root`, where `*` stands for the cell of the column `path`.
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
            raise ValueError(f"path is {path!r}; one * in it must stand for the cell, as in 'wavs/*.wav'")
        if delimiter is not None and len(delimiter) != 1:
            raise ValueError(f"delimiter is {delimiter!r}; one character is expected")
        self.root, self.file, self.columns, self.may_be_empty = root, root / name, columns, may_be_empty
        self.encoding, self.allow_outside = encoding, allow_outside
        self.names, self.delimiter, self.template = names, delimiter, path

    def read(self) -> list[Entry]:
        """All rows, in their order.

        Raises:
            DataError: the file or one that it lists is missing, twice there, or outside; a column or a cell is missing,
                or a split has another name. The message names the line.
        """
        if not self.file.is_file():
            raise DataError(f"there is no manifest {self.file.absolute()} (data.manifest, below data.root)")
        rows = [(line, self._named(cells, line)) for line, cells in self._rows()]
        if not rows:
            raise DataError(f"{self.file} needs the columns {self._needed()}; it has no rows")
        splits = self._splits(rows)
        entries, lines = [], dict[str, int]()
        for (line, cells), split in zip(rows, splits, strict=True):
            for column in self.columns:
                if not cells[column] and column not in self.may_be_empty:
                    raise DataError(f"{self.file}:{line}: the cell of the column {column!r} is empty")
            path = self._path(cells["path"], line)
            if first := lines.get(os.path.normpath(path)):
                raise DataError(f"{self.file}:{line}: {cells['path']!r} is there twice, first in line {first}")
            lines[os.path.normpath(path)] = line
            entries.append(Entry(path, cells, split))
        if not {"train", None} & {*splits}:
            raise DataError(
                f"{self.file} has no row of the split train, only of {', '.join(sorted(set(map(str, splits))))}"
            )
        return entries

    def groups(self, entries: list[Entry], group: str | None) -> list[str]:
        """The source of each entry, from the column or, by a regular expression, the path that `group` says; else ""."""
        if not group:
            return [""] * len(entries)
        if group.casefold() not in entries[0].cells:
            return [part_of_name(entry.path, self.root, group, "group") for entry in entries]
        names = [entry.cells[group.casefold()] for entry in entries]
        if "" in names:
            raise DataError(f"{self.file}: {entries[names.index('')].path} has no {group} (data.group)")
        return names

    def unlisted(self, entries: list[Entry], suffixes: Collection[str]) -> Ignored:
        """The files below the root that are not in the manifest, and those of other kinds."""
        found = scan(self.root, suffixes)
        found.ignored.add("not in the manifest", *sorted(set(found.files) - {entry.path for entry in entries}))
        return found.ignored

    @property
    def how_to_test(self) -> str:
        return f"give rows of {self.file} the split test, or leave the column split out to hold some of all out"

    how_to_delimit = "separate them by commas"  # or what a data module has for it

    def _rows(self) -> Iterator[tuple[int, dict[Any, Any]]]:
        suffix = self.file.suffix.lower()
        if suffix == ".jsonl":
            return read_objects(self.file, self.encoding)
        delimiter = self.delimiter or DELIMITERS.get(suffix, ",")
        return read_cells(self.file, self.encoding, delimiter, self.names, has_header=self.names is None)

    def _named(self, row: dict[Any, Any], line: int) -> dict[str, str]:
        names = [str(name).strip().casefold() for name in row]
        if twice := {name for name in names if names.count(name) > 1}:
            raise DataError(f"{self.file}: two columns are called {twice.pop()!r}, whatever their case")
        if wrong := [value for value in row.values() if not isinstance(value, str | int | float)]:
            raise DataError(f"{self.file}:{line}: expected a text, got {wrong[0]!r}")
        cells = {name: normalize("NFC", str(value).strip()) for name, value in zip(names, row.values(), strict=True)}
        if missing := [name for name in ("path", *self.columns) if name not in cells]:
            remedy = hint(missing[0], names, few=0)
            if other := next((one for one in ";\t|" if any(one in name for name in names)), None):
                remedy = f"; its cells are separated by {other!r}: {self.how_to_delimit}"
            raise DataError(f"{self.file} needs the columns {self._needed()}; it has {list(row)}{remedy}")
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
                f"{self.file}:{line}: {name!r} leads out of data.root; set data.allow_outside=true to read it all the same"
            )
        # Names on disk may be decomposed, as macOS has them, or written with the slashes of Windows in the manifest.
        forms = [name, normalize("NFD", name), normalize("NFC", name), name.replace("\\", "/")]
        for form in forms:
            if (self.root / form).is_file():
                return self.root / form
        raise DataError(f"{self.file}:{line}: there is no file {self.root / name}")
