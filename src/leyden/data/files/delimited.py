"""The cells of tables: CSV, TSV or JSONL by the ending of the file, with the line of each row."""

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
MOST_CHARACTERS = 2**31 - 1  # of a cell; Python's own limit, 131,072, is less than a long text


def read_objects(path: Path, encoding: str) -> Iterator[tuple[int, dict[Any, Any]]]:
    """Line and columns of each object of a JSONL file.

    Raises:
        DataError: a line is no object; the message names it.
    """
    for number, line in read_lines(path, encoding):
        try:
            cells = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path}:{number}: not JSON at column {error.colno}: {error.msg}") from None
        if not isinstance(cells, dict):
            raise DataError(f"{path}:{number}: expected an object with columns, got {line[:60]}")
        yield number, {name: well_formed(cell) if isinstance(cell, str) else cell for name, cell in cells.items()}


def read_cells(
    path: Path, encoding: str, delimiter: str, names: Sequence[str] | None = None, has_header: bool = True
) -> Iterator[tuple[int, dict[Any, str]]]:
    """Line and cells, by the name of their column, of each row that is not empty.

    CSV follows RFC 4180: quotes around a field may hold delimiters, new lines and doubled quotes. Other delimiters than
    a comma or a semicolon know no quotes.

    Args:
        path: the file.
        encoding: of the file.
        delimiter: stands between two cells.
        names: of the columns; by default those of the header, or numbers from 0 where there is none.
        has_header: whether the first line names the columns.

    Raises:
        DataError: a row has not as many cells as there are columns, a quote is not closed, or two columns have one name.
    """
    csv.field_size_limit(MOST_CHARACTERS)
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
                    f"{path}:{reader.line_num}: {len(cells)} cells for the {len(columns)} columns {list(columns)}"
                    f"{'; a cell that holds a comma needs quotes' if delimiter == ',' else ''}"
                )
            yield reader.line_num, dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: {error}") from None


def _header(cells: list[str], path: Path) -> list[str]:
    names = [normalize("NFC", cell.strip()) for cell in cells]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{path}: two columns are called {name!r}")
    return names
