"""The rows of metrics.csv. Imports no torch: `sync` reads them too."""

import csv
import os
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ..io import write_atomically


class MetricsFile:
    """A CSV file that only grows: a row that was appended stays, whatever fails later.

    A row is appended in one piece; a new column or a cut writes a new file, which takes the old one's place when it is
    complete. A last row that is torn, since the process or the machine died in its middle, does not count.

    Args:
        path: the file, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[str] = next(csv.reader(self._complete_lines()), [])
        self.num_rows = sum(1 for _ in self._rows())

    def append(self, row: dict[str, Any]) -> None:
        if not row.keys() <= set(self.columns):
            self._rewrite(list(dict.fromkeys([*self.columns, *row])), self.num_rows)
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self.columns).writerow(row)
        self.num_rows += 1

    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(self._complete_lines()))

    def truncate(self, num_rows: int) -> None:
        """Keeps the first rows alone."""
        if self.path.exists():
            self.num_rows = min(num_rows, sum(1 for _ in self._rows()))
            self._rewrite(self.columns, self.num_rows)

    def flush_to_disk(self) -> None:
        """Returns when the rows would survive a power cut."""
        if self.path.exists():
            with self.path.open("ab") as file:
                os.fsync(file.fileno())

    def _complete_lines(self) -> Iterator[str]:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for line in file:
                # A file system may fill with zeros what it did not come to write.
                if b"\0" in line or not line.endswith(b"\n"):
                    return
                yield line.decode("utf-8", errors="replace")

    def _rows(self) -> Iterator[list[str]]:
        """One after the other: there may be millions."""
        return islice(filter(None, csv.reader(self._complete_lines())), 1, None)

    def _rewrite(self, columns: list[str], num_rows: int) -> None:
        """With the first rows and, on the right, new columns, which are empty there."""
        rows = ([*row, *[""] * (len(columns) - len(row))] for row in islice(self._rows(), num_rows))
        write_atomically(self.path, map(csv.writer(_Line()).writerow, chain([columns], rows)))
        self.columns = columns


class _Line:
    """A file of one line: a csv writer returns what `write` does."""

    def write(self, text: str) -> str:
        return text
