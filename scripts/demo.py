"""Trains, tests and predicts one experiment of each domain on embedded data, and shows a table of the results."""

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

import leyden
from leyden.config.embedded import embedded_experiments

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = Path(leyden.__file__).parent / "testing" / "samples"
AT_ONCE = 2  # each process spends some seconds of one core on its imports
CONSOLE = Console()
RUNNING: set[subprocess.Popen[str]] = set()


@dataclass
class Result:
    experiment: str
    metric: str
    seconds: float
    run: Path
    error: str | None = None


def first_experiments() -> Iterator[str]:
    """The first experiment of each domain whose data is embedded."""
    for _, names in groupby(embedded_experiments(ROOT), key=lambda name: name.split("/")[0]):
        yield next(names)


def run_command(*arguments: str) -> str:
    """Runs the command line in a process of its own and returns what it printed; raises CalledProcessError."""
    command = [sys.executable, "-m", "leyden", *arguments]
    threads = str(max(1, (os.cpu_count() or 1) // AT_ONCE))
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "NO_COLOR": "1"}
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, **pipe) as process:
        RUNNING.add(process)
        output, _ = process.communicate()
        RUNNING.remove(process)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    return output


def stop(number: int, frame: FrameType | None) -> NoReturn:
    """What is said to this process, as by a `make` that is ended, is said to those that it has started."""
    for process in list(RUNNING):
        process.terminate()
    sys.exit(128 + number)


def demonstrate(experiment: str) -> Result:
    """Trains and tests, then predicts the domain's sample files."""
    start, run = time.perf_counter(), ROOT / "runs" / experiment / "latest"
    metric, error = "", None
    try:
        run_command("train", f"experiment={experiment}")
        run = run.resolve()
        (results,) = json.loads((run / "results.json").read_text(encoding="utf-8"))["test"].values()
        metric = ", ".join(f"{key} {value:.4f}" for key, value in results.items() if key.startswith("test/acc"))
        samples = SAMPLES / experiment.split("/")[0]
        run_command("predict", str(run), str(samples), "--output", str(run / "predictions.csv"))
    except subprocess.CalledProcessError as failure:
        last_lines = "\n".join(failure.output.splitlines()[-20:])
        error = f"{' '.join(failure.cmd)} ended with {failure.returncode}:\n{last_lines}"
    return Result(experiment, metric, time.perf_counter() - start, run, error)


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    experiments = list(first_experiments())
    if not experiments:
        CONSOLE.print(
            "No experiment in configs/experiment/ has embedded data: none of a class with is_embedded = True."
        )
        return 1
    CONSOLE.print(f"Training {', '.join(experiments)}, {AT_ONCE} at a time.")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(demonstrate, experiments))
    table = Table("experiment", "test metric", "seconds", Column("run directory", overflow="fold"))
    for result in results:
        table.add_row(
            result.experiment, result.metric or "failed", f"{result.seconds:.0f}", os.path.relpath(result.run, ROOT)
        )
    CONSOLE.print(table)
    CONSOLE.print(f"All of it is in {ROOT}.", soft_wrap=True)
    errors = [result.error for result in results if result.error]
    for error in errors:
        CONSOLE.print(error, markup=False, highlight=False, soft_wrap=True)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
