import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

from ...errors import hint
from ..core.error import DataError
from ..core.split_names import Split, splits_in_column
from ..files.delimited import DELIMITERS, read_cells, read_objects
from ..files.lines import read_lines

SUFFIXES = {*DELIMITERS, ".jsonl"}


class LabelledText(NamedTuple):
    text: str
    label: str  # in composed characters (NFC)
    group: str = ""
    split: Split | None = None  # where the table has a column for it


class Table:
    """Reader of texts and labels in a CSV, TSV or JSONL file, by suffix, or in lines that match a regular expression.

    CSV follows RFC 4180: a quoted field may contain commas, newlines and doubled quotes. TSV has no quoting. Empty lines
    are skipped. A column `split` assigns each row to a split, unless another argument names it.

    Columns are names, ignoring case, or indices in a file without a header.

    Args:
        text: column of the text, or several, joined by a space.
        label: column of the label.
        pattern: regular expression for a line, with the groups `text` and `label`.
        encoding: encoding of the file.
        may_be_empty: whether the label may be empty.
        group: column of the group of a text, such as its author.
    """

    def __init__(
        self,
        text: str | int | Sequence[str | int],
        label: str | int,
        pattern: str | None,
        encoding: str,
        may_be_empty: bool = False,
        group: str | int | None = None,
    ) -> None:
        self.text: list[str | int] = [text] if isinstance(text, str | int) else list(text)
        self.label, self.pattern, self.encoding = label, pattern, encoding
        self.may_be_empty, self.group = may_be_empty, group
        columns = [*self.text, label, *([] if group is None else [group])]
        self.reads_splits = "split" not in [str(column).casefold() for column in columns]
        if len({type(column) for column in columns}) > 1:
            raise ValueError(f"text={text!r}, label={label!r}, group={group!r}: use names for all columns, or indices")

    def read(self, path: Path) -> list[LabelledText]:
        """All rows of a file.

        Raises:
            DataError: a row is invalid; the message has its file and line.
        """
        rows, splits = [], []
        for line, cells in self._cells(path):
            text = self._text(cells, path, line)
            label = normalize("NFC", _cell(cells, self.label, f"{path}:{line}").strip())
            if not (label or self.may_be_empty):
                raise DataError(f"{path}:{line}: empty label (column {self.label!r})")
            group = "" if self.group is None else _cell(cells, self.group, f"{path}:{line}").strip()
            rows.append(LabelledText(text, label, group))
            if self.reads_splits:
                splits += [(line, str(cell).strip()) for name, cell in cells.items() if str(name).casefold() == "split"]
        if not splits:
            return rows
        if len(splits) != len(rows):
            raise DataError(f"{path}: only {len(splits)} of {len(rows)} rows have a split")
        return [row._replace(split=split) for row, split in zip(rows, splits_in_column(path, splits), strict=True)]

    def texts(self, path: Path) -> list[tuple[int, str]]:
        """Line numbers and texts of a file, which needs no labels.

        Raises:
            DataError: see `read`.
        """
        return [(line, self._text(cells, path, line)) for line, cells in self._cells(path)]

    def _text(self, cells: dict[Any, Any], path: Path, line: int) -> str:
        return " ".join(_cell(cells, column, f"{path}:{line}") for column in self.text)

    def _cells(self, path: Path) -> Iterator[tuple[int, dict[Any, Any]]]:
        """Line number and cells, by column name or index, of each row."""
        if self.pattern:
            return self._matches(path, self.pattern)
        if path.suffix.lower() == ".jsonl":
            return read_objects(path, self.encoding)
        if path.suffix.lower() in DELIMITERS:
            has_header = not isinstance(self.label, int)
            return read_cells(path, self.encoding, DELIMITERS[path.suffix.lower()], has_header=has_header)
        raise DataError(f"{path}: expected .csv, .tsv or .jsonl; rename it, or set data.pattern to read its lines")

    def _matches(self, path: Path, pattern: str) -> Iterator[tuple[int, dict[Any, Any]]]:
        for number, line in read_lines(path, self.encoding):
            match = re.search(pattern, line)
            if not match:
                raise DataError(f"{path}:{number}: data.pattern={pattern!r} does not match {line[:60]!r}")
            yield number, match.groupdict()


def _cell(cells: dict[Any, Any], column: str | int, place: str) -> str:
    value = cells.get(column)
    if isinstance(value, str | int) and column in cells:
        return str(value)
    if column in cells:
        raise DataError(f"{place}: column {column!r} holds {value!r}; expected a text")
    same = [name for name in cells if str(name).casefold() == str(column).casefold()]
    if len(same) == 1:
        return _cell(cells, same[0], place)
    near = hint(str(column), map(str, cells), few=0)
    raise DataError(f"{place}: there is no column {column!r}, only {', '.join(map(repr, cells))}{near}")
