"""`leyden clean`: disk usage of runs, and removal of checkpoints of selected runs."""

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from ..config.compose import project_root
from ..errors import UserError
from ..study.cleaning import Removal, Usage, removal, remove, usage
from ..study.records import records
from ..study.select import select


def clean(options: argparse.Namespace) -> int:
    """Show disk usage of all runs or, with words, remove checkpoints of the selected runs."""
    root = project_root()
    if not options.words:
        if options.yes or options.best:
            raise UserError("--yes and --best need a selection of runs, such as state=failed or 'created<2026-10-01'")
        runs = records(root)
        found = usage(runs)
        options.result = {"usage": found, "caches": _caches(runs, root)}
        _print_usage(found, options.result["caches"])
        return 0
    planned = [removal(record, options.best) for record in select(records(root), options.words, Path.cwd())]
    _print_plan(planned)
    chosen = [item for item in planned if item.files]
    options.result = {"removed": False, "bytes": sum(item.size for item in chosen), "runs": _described(planned)}
    if chosen and (options.yes or _confirmed(options)):
        return _remove(chosen, options)
    return 0


def _remove(chosen: list[Removal], options: argparse.Namespace) -> int:
    freed, code = 0, 0
    for item in chosen:
        try:
            freed += remove(item)
        except UserError as error:
            code = 1
            print(error, file=sys.stderr)
    print(f"removed: {_size(freed)}")
    options.result |= {"removed": True, "bytes": freed}
    return code


def _confirmed(options: argparse.Namespace) -> bool:
    if options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("Nothing was removed. Add --yes to remove these checkpoints.")
        return False
    return input("Remove them? [y/N] ").strip().lower() in ("y", "yes")


def _described(planned: list[Removal]) -> list[dict[str, Any]]:
    return [
        {"path": item.record.path, "files": item.files, "bytes": item.size, "reason": item.reason} for item in planned
    ]


def _print_plan(planned: list[Removal]) -> None:
    for item in planned:
        names = ", ".join(file.stem for file in item.files)
        if item.reason:
            print(f"{item.record.path}  is kept: {item.reason}")
        elif names:
            kind = " (no longer resumable)" if item.record.state != "finished" else ""
            print(f"{item.record.path}  {item.record.state}  {_size(item.size)}: {names}{kind}")
    chosen = [item for item in planned if item.files]
    total = sum(item.size for item in chosen)
    print(f"{_size(total)} in checkpoints of {len(chosen)} of {len(planned)} runs; all other files are kept")


def _print_usage(found: list[Usage], caches: dict[str, int]) -> None:
    heads = ["state", "runs", "checkpoints", "older than 30 days", "plots", "other", "total"]
    table = Table(*[Column(head, justify="left" if head == "state" else "right") for head in heads], box=None)
    for entry in found:
        sizes = (entry.checkpoints, entry.old_checkpoints, entry.plots, entry.other, entry.total)
        table.add_row(entry.state, str(entry.runs), *map(_size, sizes))
    Console(markup=False, emoji=False).print(table)
    for folder, size in caches.items():
        print(f"decoded samples in {folder}: {_size(size)}; remove them with: leyden data EXPERIMENT --clear")
    if found:
        print("To remove checkpoints: leyden clean state=failed 'created<2026-10-01'")


def _caches(chosen: list[Any], root: Path) -> dict[str, int]:
    """Return the sizes of the folders in which the runs keep decoded samples."""
    folders = {str(record.settings.get("data.cache") or "data/cache") for record in chosen} or {"data/cache"}
    paths = {root / Path(folder).expanduser() for folder in folders if "${" not in folder}
    sizes = {str(path): sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) for path in sorted(paths)}
    return {path: size for path, size in sizes.items() if size}


def _size(number: float) -> str:
    units = iter(("B", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while number >= 999.5 and unit != "TB":
        number, unit = number / 1000, next(units)
    return f"{number:.3g} {unit}"
