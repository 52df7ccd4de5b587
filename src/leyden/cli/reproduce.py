"""`leyden reproduce`: train runs again from their frozen code and settings, and report whether the results are equal."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ..config.compose import project_root
from ..errors import UserError
from ..launch.launcher import STOPPED
from ..run import environment
from ..run.checked import checked
from ..run.directory import RunDirectory, find_run
from ..run.trust import require_trust
from ..study.differences import differences
from ..study.recorded_environment import make_environment
from ..study.records import read, records
from ..study.reproduce import PREFIX, Verdict, compare, judge, main_metric, new_run, train
from ..study.results_table import read_table, values_over_seeds


def reproduce(options: argparse.Namespace) -> int:
    """Train runs again and compare them with the originals; 0 if all are reproduced, 1 otherwise."""
    root = project_root()
    verdicts = []
    options.result = {"verdicts": (pairs := [])}
    for original, verdict in _verdicts(options, root):
        print_verdict(original, verdict)
        verdicts.append(verdict)
        pairs.append({"original": original, "verdict": verdict, "is_reproduced": verdict.is_reproduced})
    if len(verdicts) > 1:
        count = sum(verdict.is_reproduced for verdict in verdicts)
        print(f"{count} of {len(verdicts)} runs were reproduced")
    return 0 if all(verdict.is_reproduced for verdict in verdicts) else 1


def _verdicts(options: argparse.Namespace, root: Path) -> Iterator[tuple[str, Verdict]]:
    target = Path(options.target)
    if target.suffix == ".csv":
        yield from _table(target, root)
        return
    runs = _runs(options.target, root)
    if options.compare_with and len(runs) > 1:
        raise UserError(f"--with compares one run, got {len(runs)} in {options.target}")
    for run in runs:
        yield str(run.path), _reproduce(run, options, root)


def _runs(name: str, root: Path) -> list[RunDirectory]:
    """Return a run, or the finished runs in a folder, such as that of a study."""
    folder = Path(name).resolve()
    if folder.is_dir() and not (folder / "status.json").exists():
        inside = [r for r in records(root) if r.path.startswith(f"{folder}/") and r.state == "finished"]
        if inside:
            return [RunDirectory(Path(record.path)) for record in inside]
    return [find_run(name, root)]


def _reproduce(run: RunDirectory, options: argparse.Namespace, root: Path) -> Verdict:
    require_trust(run, root, "reproduce", trusts=options.trust)
    if options.compare_with:
        new = find_run(options.compare_with, root)
    else:
        python = _python(run, options.environment, root)
        new = new_run(run, root)
        print(f"run              {new.path}", file=sys.stderr)
        if code := train(new, python, root, run.status.get("num_threads")):
            return _failed(new, code, f"compare it with: leyden reproduce {run.path} --with {new.path}")
        if new.status["state"] != "finished":  # submitted
            raise UserError(
                f"{new.path} is {new.status['state']}; when it is finished: leyden reproduce {run.path} --with {new.path}"
            )
    name = run.frozen_config["name"]
    verdict = compare(read(run.path, name), read(new.path, name), records(root))
    if verdict.kind != "bit-equal":
        _print_conditions(run.path, new.path)
    return verdict


def _failed(run: RunDirectory, code: int, advice: str) -> Verdict:
    """Return the verdict on a run that failed; exit if it was stopped."""
    if code in STOPPED:
        print(f"stopped; finish the run with: leyden resume {run.path}; then {advice}", file=sys.stderr)
        sys.exit(code)
    return Verdict("failed", f"training {run.path} ended with exit code {code}; see its log.txt", {})


def _python(run: RunDirectory, is_recorded: bool, root: Path) -> str:
    """Return the Python of the environment to train in."""
    changed = environment.differences(run.path, root)
    if is_recorded and changed:
        print("recreating the recorded environment", file=sys.stderr)
        return make_environment(run.path, root)
    if changed:
        print(f"{changed}. Use --environment to recreate the recorded environment", file=sys.stderr)
    return sys.executable


def _print_conditions(original: Path, new: Path) -> None:
    """Print packages and hardware that differ."""
    made = differences(original, new)
    for title, pairs in (("package", made.packages), ("hardware", made.hardware)):
        for name, (before, now) in pairs.items():
            print(f"{title} {name}: recorded {before}, now {now}")


def _table(file: Path, root: Path) -> Iterator[tuple[str, Verdict]]:
    """Train the runs of a results table with the current code."""
    rows, left_out = read_table(file)
    if left_out:
        print(left_out, file=sys.stderr)
    configs = [checked(row.overrides).frozen for row in rows]  # all before the first is trained
    for row, config in zip(rows, configs, strict=True):
        config["name"] = PREFIX + config["name"]
        new = RunDirectory.create(config, root, ["leyden", "train", *row.overrides], reproduces=str(file))
        if code := train(new, sys.executable, root, None):
            yield row.command, _failed(new, code, f"compare it with the row of {file}")
            continue
        record = read(new.path, config["name"])
        metrics = {name: (value, record.metrics[name]) for name, value in row.metrics.items() if name in record.metrics}
        main = main_metric(record.monitor, metrics)
        values = values_over_seeds(row, rows, main)
        yield row.command, judge(main, metrics, values, "compared with the metrics in the table")


def print_verdict(original: str, verdict: Verdict) -> None:
    """Print the verdict and the metrics."""
    console = Console(markup=False, emoji=False)
    console.print(f"{verdict.kind}: {original}", soft_wrap=True, highlight=False)
    console.print(verdict.reason, soft_wrap=True, highlight=False)
    if not verdict.metrics:
        return
    table = Table("metric", "original", "reproduced", "difference")
    for name, (before, now) in sorted(verdict.metrics.items()):
        table.add_row(name, f"{before:.6g}", f"{now:.6g}", "equal" if before == now else f"{now - before:+.4g}")
    console.print(table)
