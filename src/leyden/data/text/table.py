import csv
import json
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from ..error import DataError
from .lines import read_lines, read_text

DELIMITERS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = {*DELIMITERS, ".jsonl"}


class LabelledText(NamedTuple):
    text: str
    label: str


class Table:
    """Texts and labels of a file: CSV, TSV or JSONL by its ending, or any lines that a pattern matches.

    CSV follows RFC 4180: quotes around a field may hold commas, new lines and doubled quotes. TSV knows no quotes.
    Empty lines are left out.

    Args:
        text: column of the text, or several, which are joined by a space.
        label: column of the label.
        pattern: regular expression for one line, with the groups `text` and `label`.
        encoding: of the file.
        may_be_empty: whether a row may have no label.

    Columns are names, or numbers from 0 in a file whose first line is a row already.
    """

    def __init__(
        self,
        text: str | int | Sequence[str | int],
        label: str | int,
        pattern: str | None,
        encoding: str,
        may_be_empty: bool = False,
    ) -> None:
        self.text: list[str | int] = [text] if isinstance(text, str | int) else list(text)
        self.label, self.pattern, self.encoding = label, pattern, encoding
        self.may_be_empty = may_be_empty
        if len({type(column) for column in (*self.text, label)}) > 1:
            raise ValueError(f"text={text!r}, label={label!r}: name all columns or number all of them")

    def read(self, path: Path) -> list[LabelledText]:
        """All rows of a file.

        Raises:
            DataError: it cannot be read as it should; the message names file and line.
        """
        rows = []
        for line, cells in self._cells(path):
            text = self._text(cells, path, line)
            label = _cell(cells, self.label, f"{path}:{line}").strip()
            if not (label or self.may_be_empty):
                raise DataError(f"{path}:{line}: the label (column {self.label!r}) is empty")
            rows.append(LabelledText(text, label))
        return rows

    def texts(self, path: Path) -> list[tuple[int, str]]:
        """The texts of a file, which need no labels, with the numbers of their lines.

        Raises:
            DataError: see `read`.
        """
        return [(line, self._text(cells, path, line)) for line, cells in self._cells(path)]

    def _text(self, cells: dict[Any, Any], path: Path, line: int) -> str:
        return " ".join(_cell(cells, column, f"{path}:{line}") for column in self.text)

    def _cells(self, path: Path) -> Iterator[tuple[int, dict[Any, Any]]]:
        """Line number and cells, by name or number, of each row."""
        if self.pattern:
            return self._matches(path, self.pattern)
        if path.suffix.lower() == ".jsonl":
            return self._objects(path)
        if path.suffix.lower() in DELIMITERS:
            return self._separated(path, DELIMITERS[path.suffix.lower()])
        raise DataError(f"{path} is neither .csv, .tsv nor .jsonl: rename it, or set data.pattern to read its lines")

    def _matches(self, path: Path, pattern: str) -> Iterator[tuple[int, dict[Any, Any]]]:
        for number, line in read_lines(path, self.encoding):
            match = re.search(pattern, line)
            if not match:
                raise DataError(f"{path}:{number}: data.pattern={pattern!r} does not match {line[:60]!r}")
            yield number, match.groupdict()

    def _objects(self, path: Path) -> Iterator[tuple[int, dict[Any, Any]]]:
        for number, line in read_lines(path, self.encoding):
            try:
                cells = json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError(f"{path}:{number}: not JSON at column {error.colno}: {error.msg}") from None
            if not isinstance(cells, dict):
                raise DataError(f"{path}:{number}: an object with columns is wanted, got {line[:60]}")
            yield number, cells

    def _separated(self, path: Path, delimiter: str) -> Iterator[tuple[int, dict[Any, Any]]]:
        quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
        text = StringIO(read_text(path, self.encoding), newline="")
        reader = csv.reader(text, delimiter=delimiter, quoting=quoting, strict=True)
        names: Sequence[str | int] | None = None
        try:
            for cells in reader:
                if not any(cells):
                    continue
                if isinstance(self.label, int):
                    names = range(len(cells))
                elif names is None:
                    names = cells
                    continue
                if len(cells) != len(names):
                    raise DataError(
                        f"{path}:{reader.line_num}: {len(cells)} cells for the {len(names)} columns {names}"
                    )
                yield reader.line_num, dict(zip(names, cells, strict=True))
        except csv.Error as error:
            raise DataError(f"{path}:{reader.line_num}: {error}") from None


def _cell(cells: dict[Any, Any], column: str | int, place: str) -> str:
    value = cells.get(column)
    if isinstance(value, str | int) and column in cells:
        return str(value)
    if column in cells:
        raise DataError(f"{place}: column {column!r} holds {value!r}; a text is wanted")
    nearest = get_close_matches(str(column), map(str, cells), n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    raise DataError(f"{place}: there is no column {column!r}, only {', '.join(map(repr, cells))}{hint}")
