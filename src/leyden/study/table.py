"""Runs as a table: for a terminal or as CSV."""

import csv
import math
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.table import Column, Table

from .names import short_names, short_value
from .records import Record, require_names

# Settings that do not affect results.
UNIMPORTANT = (
    *("runs", "name", "launcher.", "logger.", "data.root", "data.cache", "data.num_workers"),
    *("callbacks.plots", "callbacks.curves"),
)

LONGEST_CELL = 40  # characters


def varied(records: list[Record]) -> list[str]:
    """Return the settings that differ among runs of the same experiment, in the order of the configuration."""
    names = dict.fromkeys(name for record in records for name in record.settings)
    chosen = [name for name in names if not name.startswith(UNIMPORTANT) and _varies(records, name)]
    return [name for place, name in enumerate(chosen) if not any(_copies(records, name, of) for of in chosen[:place])]


def _copies(records: list[Record], name: str, of: str) -> bool:
    """Whether a setting copies another one in all runs by interpolation, as `data.seed` copies `seed`."""
    if name.rpartition(".")[2] != of.rpartition(".")[2]:
        return False
    return all(record.settings.get(name) == record.settings.get(of) for record in records)


def _varies(records: list[Record], name: str) -> bool:
    values: dict[str, str] = {}
    return any(
        values.setdefault(record.experiment, value := repr(record.settings.get(name))) != value for record in records
    )


def main_metrics(records: Iterable[Record]) -> list[str]:
    """Return the metrics that selected the best checkpoints, for the validation and the test split."""
    names = dict.fromkeys(record.monitor for record in records if record.monitor)
    return [one for name in names for one in (name, name.replace("val/", "test/", 1))]


def sort(records: list[Record], name: str, reverse: bool = False) -> list[Record]:
    """Sort by a metric or setting; runs without it come last.

    Raises:
        UserError: No run has it.
    """
    if records:
        require_names(records, [name])
    there = [record for record in records if not _is_missing(record[name])]
    numeric = all(isinstance(record[name], int | float) for record in there)
    ordered = sorted(there, key=lambda record: record[name] if numeric else str(record[name]), reverse=reverse)
    return ordered + [record for record in records if _is_missing(record[name])]


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def columns(records: list[Record], chosen: list[str]) -> list[str]:
    """Return the columns of a table: the chosen ones, or state, main metrics, varied settings and errors."""
    if chosen:
        return chosen
    errors = ["error"] if any(record.error for record in records) else []
    return ["state", *main_metrics(records), *varied(records), *errors]


def print_table(records: list[Record], names: list[str], width: int | None = None) -> None:
    """Print as many columns as fit on the terminal, and name the others.

    Settings are shown by their last names if these are unique.
    """
    console = Console(width=width, markup=False, emoji=False)
    heads = short_names(names)
    shown = [("run", [Path(record.path).name for record in records])]
    if len({record.experiment for record in records}) > 1:
        shown.insert(0, ("experiment", [record.experiment for record in records]))
    free = console.width - 1 - sum(_width(column) for column in shown)
    left_out = []
    for name, head in heads.items():
        column = (head, [_cell(short_value(name, record[name])) for record in records])
        if left_out or _width(column) > free:
            left_out.append(name)
        else:
            shown.append(column)
            free -= _width(column)
    table = Table(*[Column(head, no_wrap=True) for head, _ in shown])
    for row in zip(*[cells for _, cells in shown], strict=True):
        table.add_row(*row)
    console.print(table)
    if left_out:
        console.print(f"More columns: --columns {','.join(left_out)}", soft_wrap=True)


def _width(column: tuple[str, list[str]]) -> int:
    head, cells = column
    return max(map(len, (head, *cells))) + 3


def write_csv(records: list[Record], names: list[str], file: IO[str]) -> None:
    """Write a row for each run, with its folder relative to the current one if it is inside, and its command."""
    here, writer = Path.cwd(), csv.writer(file)
    writer.writerow(["run", "experiment", *names, "command"])
    for record in records:
        values = ["" if record[name] is None else record[name] for name in names]
        path = Path(record.path)
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        writer.writerow([shown, record.experiment, *values, record.command])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
