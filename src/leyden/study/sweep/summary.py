"""Summary at the end of a study: its best runs, their location, and next commands."""

import shlex
import sys
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ...run.results import read_results
from ..names import REPEATS, short_names
from .best_experiment import FILE, target
from .rows import Row, best_rows, number
from .study_directory import StudyDirectory

MAX_ROWS = 10


def print_summary(study: StudyDirectory, rows: list[Row], best: list[Row]) -> None:
    """Print the best runs as a table, the best one with its test metrics, and the next commands."""
    width = None if sys.stdout.isatty() else 200
    console = Console(soft_wrap=True, highlight=False, width=width, markup=False, emoji=False)
    objectives = study.settings["objectives"]
    console.print(_table(study, rows, best))
    counts = Counter(row.state for row in rows)
    console.print(f"{len(rows)} trials: " + ", ".join(f"{count} {state}" for state, count in counts.items()))
    folder = study.path.relative_to(Path.cwd()) if study.path.is_relative_to(Path.cwd()) else study.path
    quoted = shlex.quote(str(folder))
    for row in [row for row in rows if row.error][:3]:
        console.print(f"trial {row.number} failed: {row.error}")
    if not best:
        console.print(_why_none_is_best(study, rows))
    elif len(objectives) > 1:
        numbers = ", ".join(str(row.number) for row in best)
        console.print(f"Pareto-optimal trials: {numbers}. None was tested; test one with: leyden test RUN")
    elif study.kind == "search":
        measured = best[0].values | read_results(best[0].path).get("test", {}).get("best", {})
        values = "  ".join(f"{name} {number(value)}" for name, value in measured.items())
        console.print(f"best: trial {best[0].number}  {values}")
    parts = [name for name in ("results.csv", FILE, "plots", "runs") if (study.path / name).exists()]
    console.print(f"study            {folder}: {', '.join(parts)}")
    if study.kind == "grid":
        by = [name for name in study.varied if name not in REPEATS]
        console.print(f"compare          leyden compare {quoted} --by {','.join(by or ['experiment'])}")
    if best:
        console.print(f"train the best   cp {quoted}/{FILE} configs/experiment/{target(study)}.yaml")
        console.print(f"                 leyden train {target(study)}")


def _table(study: StudyDirectory, rows: list[Row], best: list[Row]) -> Table:
    objectives = study.settings["objectives"]
    shown = _ranked(rows, objectives)[:MAX_ROWS]
    names = short_names(study.varied)
    tested = [name.replace("val/", "test/", 1) for name in objectives]
    metrics = [name for row in shown for name in row.metrics if study.kind == "search" or name in tested]
    metrics = list(dict.fromkeys(name for name in metrics if name not in objectives))
    table = Table("trial", "state", *objectives, *metrics, *names.values(), "seconds")
    for row in shown:
        cells = [row.values.get(name) for name in objectives] + [row.metrics.get(name) for name in metrics]
        cells += [row.choices.get(name) for name in names]
        cells = ["" if cell is None else number(cell) for cell in [*cells, row.seconds]]
        is_best = any(one.choices.items() <= row.choices.items() for one in best)
        table.add_row(str(row.number), row.state, *cells, style="bold" if is_best else "")
    return table


def varies_data(study: StudyDirectory) -> bool:
    """Whether its runs have different data, so that none of them is the best."""
    return not {"experiment", "data"}.isdisjoint(study.varied)


def _why_none_is_best(study: StudyDirectory, rows: list[Row]) -> str:
    if any(row.state == "infeasible" for row in rows):
        return "no trial meets search.constraints"
    if not any(row.state == "finished" for row in rows):
        return "no trial was completed"
    if varies_data(study):
        return "no best trial: the trials use different data"
    return "no best trial: no validation metric selects their checkpoints"


def _ranked(rows: list[Row], objectives: dict[str, str]) -> list[Row]:
    """Order runs: the best first; those without all objectives come last."""
    ranked: list[Row] = []
    rest = rows
    while rest and len(ranked) < MAX_ROWS and (front := best_rows(rest, objectives) if objectives else []):
        ranked += front
        rest = [row for row in rest if row not in front]
    return ranked + rest
