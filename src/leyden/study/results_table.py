"""A CSV table of results, as `leyden runs --format csv` writes it, whose runs can be trained again anywhere."""

import csv
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError

SPLITS = ("val/", "test/")
BEGIN, REPRODUCED = ["leyden", "train"], ["leyden", "reproduce"]


@dataclass(frozen=True)
class Row:
    """A run of a table.

    Attributes:
        overrides: Experiment and settings of its command.
        metrics: Such as `test/accuracy`.
    """

    overrides: list[str]
    metrics: dict[str, float]

    @property
    def command(self) -> str:
        return shlex.join([*BEGIN, *self.overrides])

    @property
    def without_seed(self) -> list[str]:
        return [word for word in self.overrides if not re.match(r"(\w+\.)*seed=", word)]


def read_table(file: Path) -> tuple[list[Row], str]:
    """Read the runs of a table from its columns `command` and metrics; other columns are ignored.

    Returns:
        The runs, and a note on rows that have no results to reproduce, empty if there are none.

    Raises:
        UserError: The file is not such a table, or has no results.
    """
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            lines = csv.DictReader(stream)
            heads = list(lines.fieldnames or [])
            metrics = [head for head in heads if head.startswith(SPLITS)]
            if "command" not in heads or not metrics:
                raise UserError(
                    f"{file} is not a table of runs: expected the columns `command` and metrics such as "
                    f"test/accuracy, as `leyden runs --format csv` writes them, got {', '.join(heads) or 'none'}"
                )
            rows = [_row(line, metrics, f"{file}:{lines.line_num}") for line in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file} cannot be read: {error}") from None
    results = [row for row in rows if row]
    if not results:
        raise UserError(f"{file} has no runs with metrics")
    number = len(rows) - len(results)
    return results, f"excluded: {number} of {len(rows)} rows have no metrics or are reproductions" if number else ""


def _row(line: dict[str, str], metrics: list[str], where: str) -> Row | None:
    try:
        words = [word for word in shlex.split(line["command"] or "") if not word.startswith("--")]
        values = {name: float(line[name]) for name in metrics if line[name]}
        if not values or words[:2] == REPRODUCED:
            return None
        if words[:2] != BEGIN:
            raise ValueError(f"expected a command `leyden train ...`, got {line['command']!r}")
        return Row(words[2:], values)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None


def values_over_seeds(row: Row, rows: list[Row], metric: str) -> list[float]:
    """Return the values of a metric in the rows that differ from this one in their seed alone, itself included."""
    return [
        other.metrics[metric] for other in rows if other.without_seed == row.without_seed and metric in other.metrics
    ]
