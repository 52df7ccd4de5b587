"""The rows of metrics.csv. Torch-free, since `leyden sync` reads them."""

import csv
import os
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ..io import complete_lines, write_atomically


class MetricsFile:
    """An append-only CSV file whose rows survive later failures.

    Rows are appended in one write; a new column or truncation replaces the file atomically. An incomplete last row, left
    by a killed process, is ignored.

    Args:
        path: The file, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[str] = next(csv.reader(complete_lines(path)), [])
        self.num_rows = sum(1 for _ in self._rows())

    def append(self, row: dict[str, Any]) -> None:
        if not row.keys() <= set(self.columns):
            self._rewrite(list(dict.fromkeys([*self.columns, *row])), self.num_rows)
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self.columns).writerow(row)
        self.num_rows += 1

    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(complete_lines(self.path)))

    def truncate(self, num_rows: int) -> None:
        """Keep only the first `num_rows` rows."""
        if self.path.exists():
            self.num_rows = min(num_rows, sum(1 for _ in self._rows()))
            self._rewrite(self.columns, self.num_rows)

    def flush_to_disk(self) -> None:
        """Flush to disk, so that the rows survive a power failure."""
        if self.path.exists():
            with self.path.open("ab") as file:
                os.fsync(file.fileno())

    def _rows(self) -> Iterator[list[str]]:
        """Iterate over the rows without loading them all."""
        return islice(filter(None, csv.reader(complete_lines(self.path))), 1, None)

    def _rewrite(self, columns: list[str], num_rows: int) -> None:
        """Rewrite the file with the first rows and new, empty columns on the right."""
        rows = ([*row, *[""] * (len(columns) - len(row))] for row in islice(self._rows(), num_rows))
        write_atomically(self.path, map(csv.writer(_Line()).writerow, chain([columns], rows)))
        self.columns = columns


class _Line:
    """A file object for csv.writer, whose `writerow` returns the result of `write`."""

    def write(self, text: str) -> str:
        return text
