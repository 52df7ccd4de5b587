"""`leyden demo`: train, test and predict one experiment per domain on embedded data, and print a table."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console
from rich.table import Column, Table

from ..config.compose import project_root
from ..config.embedded import embedded_experiments
from ..errors import UserError

SAMPLES = Path(__file__).parent.parent / "testing" / "samples"  # files to predict, a folder for each domain
NUM_PROCESSES = 2  # imports take seconds on one core in each
RUNNING: set[subprocess.Popen[str]] = set()


@dataclass
class Result:
    experiment: str
    metric: str | None
    value: float | None
    seconds: float
    run: Path
    error: str | None = None


def first_experiments(root: Path) -> Iterator[str]:
    """Yield the first experiment with embedded data of each domain."""
    for _, names in groupby(embedded_experiments(root), key=lambda name: name.split("/")[0]):
        yield next(names)


def run_command(root: Path, *arguments: str) -> str:
    """Run `leyden` in a separate process and return its output; raise CalledProcessError if it fails."""
    command = [sys.executable, "-m", "leyden", *arguments]
    threads = str(max(1, (os.cpu_count() or 1) // NUM_PROCESSES))
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "NO_COLOR": "1"}
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
    with subprocess.Popen(command, cwd=root, env=environment, **pipe) as process:
        RUNNING.add(process)
        output, _ = process.communicate()
        RUNNING.remove(process)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    return output


def stop(number: int, frame: FrameType | None) -> NoReturn:
    """Terminate the processes when this one is terminated."""
    for process in list(RUNNING):
        process.terminate()
    sys.exit(128 + number)


def demonstrate(experiment: str, root: Path) -> Result:
    """Train and test an experiment, then predict the sample files of its domain."""
    start, run = time.perf_counter(), root / "runs" / experiment / "latest"
    metric, value, error = None, None, None
    try:
        run_command(root, "train", experiment)
        run = run.resolve()
        (results,) = json.loads((run / "results.json").read_text(encoding="utf-8"))["test"].values()
        metric, value = next(item for item in results.items() if item[0] != "test/loss")
        samples = str(SAMPLES / experiment.split("/")[0])
        run_command(root, "predict", str(run), samples, "--output", str(run / "predictions.csv"))
    except subprocess.CalledProcessError as failure:
        last_lines = "\n".join(failure.output.splitlines()[-20:])
        error = f"{' '.join(failure.cmd)} exited with {failure.returncode}:\n{last_lines}"
    return Result(experiment, metric, value, time.perf_counter() - start, run, error)


def demo(options: argparse.Namespace) -> int:
    """Train, test and predict an experiment of each domain."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    root, console = project_root(), Console(markup=False, emoji=False)
    experiments = list(first_experiments(root))
    if not experiments:
        raise UserError("expected an experiment on embedded data (a class with is_embedded = True), got none")
    console.print(f"Training {', '.join(experiments)}, {NUM_PROCESSES} at a time.")
    with ThreadPoolExecutor(NUM_PROCESSES) as pool:
        results = list(pool.map(lambda experiment: demonstrate(experiment, root), experiments))
    options.result = {"runs": results}
    table = Table(*[Column(head, overflow="fold") for head in ("experiment", "test metric", "seconds")])
    for result in results:
        shown = "failed" if result.error else f"{result.metric} {result.value:.4f}"
        table.add_row(result.experiment, shown, f"{result.seconds:.0f}")
    console.print(table)
    console.print(f"The runs, in {root}:", soft_wrap=True)
    for result in results:  # not in the table, which would break them
        console.print(os.path.relpath(result.run, root), soft_wrap=True, highlight=False)
    errors = [result.error for result in results if result.error]
    for error in errors:
        console.print(error, highlight=False, soft_wrap=True)
    return 1 if errors else 0
