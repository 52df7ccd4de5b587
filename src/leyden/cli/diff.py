"""`leyden diff`: a run against the working tree, or against another run."""

import argparse
import sys
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from ..run.code_diff import diff_from_tree, diff_of_copies
from ..run.directory import RunDirectory, runs_folder
from ..study.differences import differences
from .on_run import find

MISSING = "-"


def diff(options: argparse.Namespace) -> int:
    """Show what has changed in the code since a run, or what differs between two runs."""
    root, run = find(options.run)
    if options.other:
        options.result = _diff_runs(run, find(options.other)[1])
        return 0
    lines = list(diff_from_tree(run.path, root, runs_folder(run.frozen_config, root)))
    options.result = {"code": "".join(lines)}
    sys.stdout.writelines(lines)
    if not lines:
        print("this run's code and the working tree are identical", file=sys.stderr)
    return 0


def _diff_runs(first: RunDirectory, second: RunDirectory) -> dict[str, Any]:
    """Print the differences of two runs, the code last, since it may be long, and return them for `--json`."""
    made = differences(first.path, second.path)
    names = tuple(path.name.rpartition("-")[2] for path in (first.path, second.path))
    console = Console(markup=False, emoji=False)
    for name, run in zip(names, (first, second), strict=True):
        console.print(f"{name}  {run.path}", soft_wrap=True, highlight=False)
    for title in ("settings", "packages", "hardware"):
        _print(console, title, names, getattr(made, title))
    _print(console, "metrics", names, made.metrics)
    lines = list(diff_of_copies(first.path, second.path))
    print("code" if lines else "code: no difference")
    sys.stdout.writelines(lines)
    return {"runs": (first.path, second.path), "differences": made, "code": "".join(lines)}


def _print(console: Console, title: str, names: tuple[str, ...], pairs: dict[str, tuple[Any, Any]]) -> None:
    if not pairs:
        console.print(f"{title}: {'none' if title == 'metrics' else 'no difference'}")
        return
    table = Table(*[Column(head, overflow="fold") for head in (title, *names)])
    has_change = title == "metrics"
    if has_change:
        table.add_column("difference")
    for name, (one, other) in pairs.items():
        cells = [name, _text(one), _text(other)]
        if has_change:
            both = isinstance(one, int | float) and isinstance(other, int | float)
            cells.append("equal" if both and one == other else f"{other - one:+.4g}" if both else "")
        table.add_row(*cells)
    console.print(table)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return MISSING if value is None else str(value)
