"""The rows of metrics.csv. Imports no torch: `sync` reads them too."""

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..disk import write_atomically


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
        self.num_rows = len(self.rows())

    def append(self, row: dict[str, Any]) -> None:
        if not row.keys() <= set(self.columns):
            self._rewrite(self.rows(), list(dict.fromkeys([*self.columns, *row])))
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self.columns).writerow(row)
        self.num_rows += 1

    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(self._complete_lines()))

    def truncate(self, num_rows: int) -> None:
        """Keeps the first rows alone."""
        if self.path.exists():
            rows = self.rows()[:num_rows]
            self._rewrite(rows, self.columns)
            self.num_rows = len(rows)

    def flush_to_disk(self) -> None:
        """Returns when the rows would survive a power cut."""
        if self.path.exists():
            with self.path.open("a") as file:
                os.fsync(file.fileno())

    def _complete_lines(self) -> Iterable[str]:
        content = self.path.read_bytes() if self.path.exists() else b""
        content = content.partition(b"\0")[0]  # a file system may fill with zeros what it did not come to write
        return io.StringIO(content[: content.rfind(b"\n") + 1].decode("utf-8"), newline="")

    def _rewrite(self, rows: Iterable[dict[str, Any]], columns: list[str]) -> None:
        content = io.StringIO(newline="")
        writer = csv.DictWriter(content, columns)
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(self.path, content.getvalue())
        self.columns = columns
