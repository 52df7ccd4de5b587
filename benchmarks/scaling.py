"""Cost of a fixed number of training steps on 1, 4 and 16 times as much data, and of a log of a million rows.

    python benchmarks/scaling.py

The steps are those of the ordinary `train`, each training in a process of its own, in turn. What grows is told apart:
seconds of the steps, those of the whole command, which reads the data once, and the greatest memory the process held
until it trained, and from then on. The log is the real logger of metrics.csv with rows as training writes them.

    --repeats N    of each training (3)
    --rows N       of the log (1,000,000)
    --short        one of each, 100,000 rows
"""

import argparse
import csv
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import made_data
import torch
from lightning.pytorch import Callback, Trainer
from pairs import ROOT, apart, domains, heading, peak, quietly, row, spread

from leyden.config.compose import compose
from leyden.loggers.metrics_csv import MetricsCSV
from leyden.run.directory import RunDirectory
from leyden.run.execute import execute
from leyden.run.worker import Worker  # noqa: F401 - once for all processes

FACTORS = (1, 4, 16)
EPOCHS, STEPS = 3, 70  # of each epoch
COMMON = ["trainer=cpu", f"trainer.max_epochs={EPOCHS}", f"+trainer.limit_train_batches={STEPS}"]
COMMON += ["+trainer.limit_val_batches=8", "+trainer.limit_test_batches=8", "callbacks.plots=null"]
DIGITS = ["experiment=vision/mnist", "data.root=DATA", "data.batch_size=64", "data.augment=[]", "model.network.width=4"]
QUESTIONS = ["experiment=text/trec", "data.train=DATA/train_5500.label", "data.test=DATA/TREC_10.label"]
QUESTIONS += ["model.network.dim=32", "model.network.num_filters=16"]
TASKS: dict[str, tuple[str, Callable[[Path, int], Path], list[str]]] = {
    "images of 28 x 28": ("vision", made_data.digits, DIGITS),
    "questions": ("text", made_data.questions, QUESTIONS),
}
ROWS = 5_000
SPEED = "train/samples_per_second"


class Peak(Callback):
    """Writes down the greatest memory until training begins, and has the kernel forget it."""

    def on_train_start(self, trainer: Trainer, *_: Any) -> None:
        Path(trainer.default_root_dir, "peak").write_text(str(peak()))
        Path("/proc/self/clear_refs").write_text("5")


def train(settings: list[str]) -> tuple[float, float, float, float]:
    """Seconds of all steps, seconds of everything, MB of the greatest memory before and while it trains."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as runs:
        config = compose([*settings, *COMMON], ROOT).config | {"runs": runs}
        config["callbacks"]["peak"] = {"_target_": "scaling.Peak"}
        begin = time.perf_counter()
        run = RunDirectory.create(config, ROOT, ["benchmarks/scaling.py", *settings])
        code, whole = quietly(lambda: execute(run, "train")), time.perf_counter() - begin
        if code:
            raise RuntimeError((run.path / "log.txt").read_text())
        with (run.path / "metrics.csv").open(newline="") as file:
            speeds = [float(line[SPEED]) for line in csv.DictReader(file) if line[SPEED]]
        before = float((run.path / "peak").read_text())
    steps = sum(STEPS * config["data"]["batch_size"] / speed for speed in speeds)
    return steps, whole, before, peak()


def scale(name: str, repeats: int) -> None:
    _, make, settings = TASKS[name]
    with tempfile.TemporaryDirectory() as folder:
        for factor in FACTORS:
            apart(lambda factor=factor: str(make(Path(folder) / str(factor), factor * ROWS)), folder)
        found: dict[int, list[tuple[float, float, float, float]]] = {factor: [] for factor in FACTORS}
        for _, factor in itertools.product(range(repeats), FACTORS):
            words = [word.replace("DATA", f"{folder}/{factor}") for word in settings]
            with tempfile.TemporaryDirectory() as empty:
                found[factor].append(apart(partial(train, words), empty))
        sizes = {
            factor: sum(path.stat().st_size for path in Path(folder, str(factor)).rglob("*")) for factor in FACTORS
        }
    for factor in FACTORS:
        steps, whole, *memory = zip(*found[factor], strict=True)
        ratios = [one[0] / other[0] for one, other in zip(found[factor], found[1], strict=True)]
        files = f"{sizes[factor] / 1e6:.1f}"
        peaks = [spread(one, ".0f") for one in memory]
        row(name, f"{factor * ROWS:,}", spread(steps), spread(ratios), spread(whole), *peaks, files)


def log(num_rows: int) -> list[tuple[float, float]]:
    """Microseconds a row at the beginning and at the end, then seconds and MB that a new column costs at the end."""
    part = num_rows // 100
    with tempfile.TemporaryDirectory() as folder:
        logger, clock = MetricsCSV(Path(folder)), time.perf_counter
        logger.log_metrics({"val/loss": 0.5, "val/accuracy": 0.75, "train/samples_per_second": 1e4, "epoch": 0}, 0)
        logger.log_metrics({"train/loss": 0.5, "lr-AdamW": 1e-3, "epoch": 0}, 1)
        times = []
        for number in range(100):
            begin = clock()
            for step in range(number * part, (number + 1) * part):
                logger.log_metrics({"train/loss": 1 / (step + 1), "lr-AdamW": 1e-3, "epoch": step // 1000}, step)
            times.append((clock() - begin) / part * 1e6)
        before, begin = peak(), clock()
        logger.log_metrics({"test/loss": 0.5, "test/accuracy": 0.75, "epoch": 9}, num_rows)
        column = clock() - begin, peak() - before
        begin = clock()
        MetricsCSV(Path(folder)).file.truncate(num_rows)
        return [(statistics.median(times[:5]), statistics.median(times[-5:])), column, (clock() - begin, 0.0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    repeats, num_rows = (
        options.repeats or (1 if options.short else 3),
        options.rows or (100_000 if options.short else 10**6),
    )
    names = [name for name, (domain, *_) in TASKS.items() if domain in domains()]
    costs = (f"s, {EPOCHS * STEPS} steps", "of the first", "s, whole command", "MB before", "MB in training")
    heading("rows", "number", *costs, "MB of files")
    for name in names:
        scale(name, repeats)
    (begin, end), (seconds, memory), (resuming, _) = apart(partial(log, num_rows), ROOT)
    print()
    heading("rows of metrics.csv", "µs a row, first", "last", "a new column at the end", "cutting it on a resume")
    row(f"{num_rows:,}", f"{begin:.0f}", f"{end:.0f}", f"{seconds:.1f} s, {memory:.0f} MB", f"{resuming:.1f} s")


if __name__ == "__main__":
    main()
