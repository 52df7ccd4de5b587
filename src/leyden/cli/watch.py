"""`leyden watch`: a live table of the runs that are being trained."""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Column, Table

from ..config.compose import project_root
from ..launch import slurm_queue
from ..run.history import NAME
from ..study.progress import Progress, is_active, progress
from ..study.records import records
from ..study.select import select

REFRESH_SECONDS = 2.0
NARROW, WIDE = 110, 200  # characters: with fewer, `DETAILS` are left out; for files and pipes
DETAILS = ("step", "best", "speed")
MAX_LOAD = 0.2  # fraction of the time that reading the runs may take


def watch(options: argparse.Namespace) -> int:
    """Show the progress of runs until Ctrl-C, or once if there is no terminal."""
    root, watched = project_root(), set[str]()
    if options.once or options.json or not sys.stdout.isatty():
        rows = _rows(root, options.words, watched)
        options.result = {"runs": rows}
        if rows:
            console = Console(width=None if sys.stdout.isatty() else WIDE, markup=False, emoji=False)
            console.print(_table(rows, console.width))
        else:
            print(_nothing(options.words), file=sys.stderr)
        return 0
    try:
        with Live(auto_refresh=False, screen=False) as live:
            while True:
                begin = time.monotonic()
                rows = _rows(root, options.words, watched)
                live.update(_table(rows, live.console.width) if rows else _nothing(options.words), refresh=True)
                time.sleep(max(REFRESH_SECONDS, (time.monotonic() - begin) / MAX_LOAD))
    except KeyboardInterrupt:  # the table stays on the terminal
        return 0


def _nothing(words: list[str]) -> str:
    return "no runs are being trained" + (" among these" if words else "; finished ones: leyden runs")


def _rows(root: Path, words: list[str], watched: set[str]) -> list[Progress]:
    """Return the progress of active runs, and of those that have ended since they were first shown.

    Args:
        root: The project's folder.
        words: Names and conditions of runs.
        watched: Paths of the runs shown before; those of new ones are added.
    """
    chosen = select(records(root), words, Path.cwd())
    chosen = [record for record in chosen if record.path in watched or is_active(record)]
    watched.update(record.path for record in chosen)
    return _with_job_states([progress(record) for record in chosen])


def _with_job_states(rows: list[Progress]) -> list[Progress]:
    """Add SLURM's state to the state of runs whose job is not running, by one query."""
    if not any(row.job for row in rows) or not slurm_queue.is_available():
        return rows
    states = slurm_queue.states()
    return [
        replace(row, state=f"{row.state} (job {states.get(row.job, 'ended').lower()})")
        if row.job and row.state != "finished" and states.get(row.job) != "RUNNING"
        else row
        for row in rows
    ]


def _table(rows: list[Progress], width: int) -> Table:
    """Return the table, on a narrow terminal without the columns of `DETAILS`."""
    cells = [_cells(row) for row in rows]
    heads = [head for head in cells[0] if width >= NARROW or head not in DETAILS]
    table = Table(*[Column(head, no_wrap=head != "state") for head in heads], box=None)
    for row in cells:
        table.add_row(*[row[head] for head in heads])
    return table


def _cells(row: Progress) -> dict[str, str]:
    return {
        "run": f"{row.experiment} {_identity(Path(row.path).name)}",
        "state": row.state + (f": {row.error}" if row.error and row.state == "failed" else ""),
        "epoch": _of(row.epoch, row.max_epochs),
        "step": _of(row.step, row.max_steps),
        "metric": f"{row.metric} {row.value:.4f}" if row.value is not None else "",
        "best": f"{row.best:.4f}" if row.best is not None else "",
        "speed": f"{row.speed:.0f} {row.unit}" if row.speed is not None else "",
        "left": _duration(row.seconds_left),
        "last row": f"{_duration(row.age)} ago" if row.age is not None else "",
    }


def _identity(name: str) -> str:
    """Return the last part of the name of a run directory; of a run of a study, the whole name."""
    return name.rpartition("-")[2] if NAME.fullmatch(name) else name


def _of(number: int | None, last: int | None) -> str:
    return "" if number is None else f"{number}/{last}" if last else str(number)


def _duration(seconds: float | None) -> str:
    """Format a duration in its two largest units."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{value}{unit}" for value, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))]
    first = next((index for index, part in enumerate(parts) if not part.startswith("0")), 3)
    return " ".join(parts[first : first + 2])
