"""`results.csv` of a study, rewritten when a run ends."""

import csv
import io
import json
import os
from typing import Any

from ...io import write_atomically
from .rows import Row
from .study_directory import StudyDirectory

FILE = "results.csv"


def write_results(study: StudyDirectory, rows: list[Row]) -> None:
    """Write a row for each run: number, state, objectives, metrics, what was varied, duration, run directory, error."""
    objectives = study.settings["objectives"]
    metrics = list(dict.fromkeys(name for row in rows for name in row.metrics if name not in objectives))
    varied = study.varied
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", *objectives, *metrics, *varied, "duration", "run", "error"])
    for row in rows:
        cells = [row.number, row.state, *(row.values.get(name) for name in objectives)]
        cells += [row.metrics.get(name) for name in metrics]
        cells += [_cell(row.choices[name]) if name in row.choices else None for name in varied]
        cells += [row.seconds, os.path.relpath(row.path, study.path), row.error]
        writer.writerow(["" if cell is None else cell for cell in cells])
    write_atomically(study.path / FILE, text.getvalue())


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else json.dumps(value)
