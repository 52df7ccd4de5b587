"""Readers of tables in CSV, TSV or JSONL, selected by file suffix, with the line number of each row."""

import csv
import json
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any
from unicodedata import normalize

from ..core.error import DataError
from .lines import read_lines, read_text
from .user_text import well_formed

DELIMITERS = {".csv": ",", ".tsv": "\t"}
MAX_CELL_CHARACTERS = 2**31 - 1  # Python's default, 131,072, is less than a long text


def read_objects(path: Path, encoding: str) -> Iterator[tuple[int, dict[Any, Any]]]:
    """Line number and columns of each object in a JSONL file.

    Raises:
        DataError: a line is not a JSON object.
    """
    for number, line in read_lines(path, encoding):
        try:
            cells = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path}:{number}: not JSON at column {error.colno}: {error.msg}") from None
        if not isinstance(cells, dict):
            raise DataError(f"{path}:{number}: expected a JSON object, got {line[:60]}")
        yield number, {name: well_formed(cell) if isinstance(cell, str) else cell for name, cell in cells.items()}


def read_cells(
    path: Path, encoding: str, delimiter: str, names: Sequence[str] | None = None, has_header: bool = True
) -> Iterator[tuple[int, dict[Any, str]]]:
    """Line number and cells, by column name, of each non-empty row.

    CSV follows RFC 4180: a quoted field may contain delimiters, newlines and doubled quotes. Quoting is only supported
    with a comma or a semicolon as the delimiter.

    Args:
        path: the file.
        encoding: its encoding.
        delimiter: the character between two cells.
        names: column names; by default those of the header, or integers from 0 without a header.
        has_header: whether the first line holds the column names.

    Raises:
        DataError: a row has the wrong number of cells, a quote is not closed, or a column name is duplicated.
    """
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    quoting = csv.QUOTE_MINIMAL if delimiter in ",;" else csv.QUOTE_NONE
    text = StringIO(read_text(path, encoding), newline="")
    reader = csv.reader(text, delimiter=delimiter, quoting=quoting, strict=True)
    columns: Sequence[Any] | None = names
    try:
        for cells in reader:
            if not any(cells):
                continue
            if has_header:
                columns, has_header = _header(cells, path) if columns is None else columns, False
                continue
            columns = range(len(cells)) if columns is None else columns
            if len(cells) != len(columns):
                raise DataError(
                    f"{path}:{reader.line_num}: expected {len(columns)} cells, {list(columns)}, got {len(cells)}"
                    f"{'; quote cells that contain a comma' if delimiter == ',' else ''}"
                )
            yield reader.line_num, dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: {error}") from None


def _header(cells: list[str], path: Path) -> list[str]:
    names = [normalize("NFC", cell.strip()) for cell in cells]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{path}: duplicate column {name!r}")
    return names
