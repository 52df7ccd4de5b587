"""`leyden runs` and `leyden compare`."""

import argparse
import sys
from pathlib import Path
from typing import Literal

from ..config.compose import project_root
from ..errors import UserError
from ..study.measured import direction, measured
from ..study.records import Record, records, require_names
from ..study.select import select
from ..study.table import columns, main_metrics, print_table, sort, write_csv


def runs(options: argparse.Namespace) -> int:
    """List runs as a table or CSV."""
    existing = records(project_root())
    chosen = select(existing, options.words, Path.cwd())
    if options.sort:
        chosen = sort(chosen, options.sort, options.reverse)
    if options.limit:
        chosen = chosen[: options.limit] if options.sort else chosen[-options.limit :]
    given = options.columns.split(",") if options.columns else []
    require_names(existing, given)
    names = columns(chosen, given)
    options.result = {"runs": chosen}
    if options.format == "csv":
        write_csv(chosen, names, sys.stdout)
    elif chosen:
        print_table(chosen, names)
    else:
        print("no matching runs", file=sys.stderr)
    return 0


def compare(options: argparse.Namespace) -> int:
    """Compare groups of finished runs by a metric, with intervals over seeds or folds."""
    try:
        from ..study import comparison
        from ..study import comparison_tables as tables
    except ModuleNotFoundError as error:
        raise UserError(f"leyden compare needs {error.name}: install leyden[study]") from None
    selected = select(records(project_root()), options.words, Path.cwd())
    chosen = [record for record in selected if record.metrics]
    if not chosen:
        raise UserError("no finished runs to compare")
    metric = options.metric or _main_metric(chosen)
    require_names(chosen, [metric])
    chosen, left_out = measured(selected, metric)
    if not chosen:
        raise UserError(left_out)
    if left_out:
        print(left_out, file=sys.stderr)
    by = options.by.split(",") if options.by else ["experiment"]
    groups = comparison.groups(chosen, by, metric, options.against)
    options.result = {"metric": metric, "groups": groups}
    if options.format == "table":
        tables.print_groups(groups, metric)
    elif options.format == "latex":
        print(tables.latex(groups, metric, options.best or _direction(chosen, metric)), end="")
    else:
        print({"csv": tables.as_csv, "markdown": tables.markdown}[options.format](groups, metric), end="")
    for note in tables.notes(groups) if options.format != "table" else ():
        print(note, file=sys.stderr)
    if options.plot:
        from ..study.curve_plot import plot  # matplotlib: half a second

        remarks = plot(groups, metric, options.plot)
        print(f"{options.plot}: {'; '.join(remarks)}", file=sys.stderr)
    return 0


def _direction(chosen: list[Record], metric: str) -> Literal["min", "max"] | None:
    """Return whether lower or higher values are better; print a note if the runs do not record it."""
    if not (best := direction(chosen, metric)):
        text = f"no mean is bold, because the runs do not record whether lower or higher values of {metric} are better"
        print(f"{text}; add --best min or --best max", file=sys.stderr)
    return best


def _main_metric(chosen: list[Record]) -> str:
    """Return the test metric of the runs if it is the same for all."""
    names = [name for name in main_metrics(chosen) if name.startswith("test/")]
    if len(names) != 1:
        raise UserError(f"expected --metric NAME, such as test/accuracy; the runs have {', '.join(names) or 'none'}")
    return names[0]
