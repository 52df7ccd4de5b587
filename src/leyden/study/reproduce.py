"""Train a run again from its frozen code and settings, and compare the results."""

import os
import re
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from ..errors import UserError
from ..run.code_copy import CodeCopy
from ..run.directory import RunDirectory
from ..run.frozen_code import environment
from .records import Record
from .same_bits import different_bits
from .table import UNIMPORTANT

PREFIX = "reproduced/"  # of the experiment's name, so that repeated runs are not taken for further seeds
MIN_SEEDS = 3  # for an interval


@dataclass(frozen=True)
class Verdict:
    """How a reproduced run compares with its original.

    Attributes:
        kind: `bit-equal`, `equal metrics`, `within the interval`, `different` or `failed`.
        reason: What was compared, or what differs.
        metrics: Metrics of the test split, of a run without a test of the validation split, each with the original and the new value.
    """

    kind: str
    reason: str
    metrics: dict[str, tuple[float, float]]

    @property
    def is_reproduced(self) -> bool:
        return self.kind not in ("different", "failed")


def new_run(run: RunDirectory, root: Path) -> RunDirectory:
    """Create a run directory with the frozen code and settings of a finished run.

    Raises:
        UserError: The run is not finished, or has no copy of the code.
    """
    if run.status["state"] != "finished":
        raise UserError(f"expected a finished run, got {run.path}, which is {run.status['state']}")
    copy = CodeCopy(run.path)
    if not copy.folder.is_dir():
        raise UserError(f"{run.path} cannot be reproduced: its copy of the code is gone, {copy.folder}")
    config = run.frozen_config
    config["name"] = PREFIX + config["name"].removeprefix(PREFIX)
    command = ["leyden", "reproduce", str(run.path)]
    return RunDirectory.create(config, root, command, copy, reproduces=str(run.path))


def train(run: RunDirectory, python: str, root: Path, num_threads: int | None) -> int:
    """Train a new run in a process of its own, with its own code, and return the exit code.

    Args:
        run: The run directory.
        python: The Python of the environment.
        root: The project's folder.
        num_threads: Threads of an operation on the CPU, on whose number the bits of sums depend; None for all cores.
    """
    variables = environment(run.path)
    if num_threads and "OMP_NUM_THREADS" not in os.environ:
        variables["OMP_NUM_THREADS"] = str(num_threads)
    process = subprocess.Popen([python, "-m", "leyden", "resume", str(run.path)], cwd=root, env=variables)

    def forward(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM:  # Ctrl-C reaches the child through the terminal
            process.terminate()

    previous = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def compare(original: Record, new: Record, seeds: Iterable[Record]) -> Verdict:
    """Compare a run that was trained again with the original.

    Args:
        original: The original run.
        new: The new one.
        seeds: Runs of the project. Those that differ from the original only in their seed determine the interval
            within which a result counts as reproduced.
    """
    shared = {name: (value, new.metrics[name]) for name, value in original.metrics.items() if name in new.metrics}
    metrics = {name: pair for name, pair in shared.items() if name.startswith("test/")} or shared
    different = different_bits(Path(original.path), Path(new.path))
    if not different:
        return Verdict("bit-equal", "weights of all checkpoints and rows of metrics.csv", metrics)
    name = main_metric(original.monitor, metrics)
    others = [record for record in seeds if record.state == "finished" and record.path != new.path]
    repeats = [record for record in others if same_but_seed(record, original)]
    values = [float(record.metrics[name]) for record in repeats if name in record.metrics]
    return judge(name, metrics, values, f"not bit-equal: {', '.join(different)}")


def main_metric(monitor: str, metrics: Iterable[str]) -> str:
    """Return the metric by which a result is judged: the monitored one of the test split, or if it was not tested of
    the validation split."""
    tested = monitor.replace("val/", "test/", 1)
    return tested if tested in metrics else monitor


def judge(name: str, metrics: dict[str, tuple[float, float]], values: list[float], remark: str) -> Verdict:
    """Judge a new value of a metric by the spread over seeds.

    Args:
        name: The metric.
        metrics: Original and new values.
        values: Of runs that differ only in their seed, including the original.
        remark: What is known beside the metric.
    """
    if name not in metrics:
        return Verdict("different", f"{remark}; there is no {name} to compare", metrics)
    before, now = metrics[name]
    if before == now and all(old == new for old, new in metrics.values()):
        return Verdict("equal metrics", remark, metrics)
    if len(values) < MIN_SEEDS:
        return Verdict(
            "different", f"{remark}; no interval for {name}, which needs at least {MIN_SEEDS} seeds", metrics
        )
    from .statistics import prediction_interval

    low, high = prediction_interval(values)
    text = f"{remark}; 95 % prediction interval of {name} over {len(values)} seeds: {low:.4f} to {high:.4f}"
    return Verdict("within the interval" if low <= now <= high else "different", text, metrics)


def same_but_seed(record: Record, original: Record) -> bool:
    """Whether two runs differ only in their seed."""
    return record.experiment == original.experiment and _decisive(record.settings) == _decisive(original.settings)


def _decisive(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in settings.items()
        if not name.startswith(UNIMPORTANT) and not re.fullmatch(r"(.*\.)?seed", name)
    }
