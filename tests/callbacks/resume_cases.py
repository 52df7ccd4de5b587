"""Small runs with random settings that receive signals at random points of the training.

`python tests/callbacks/resume_cases.py SEED N FOLDER` prints what differs in N cases of the settings of one seed.

Each life of a run is a process of its own, forked from this one. A point is the n-th call of a hook, or a place within
the writing of a checkpoint or of a row of metrics.
"""

import json
import os
import random
import re
import shutil
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml
from differences import differences
from hydra.utils import get_object
from lightning.pytorch import Callback

from leyden.config.compose import compose
from leyden.config.embedded import embedded_experiments
from leyden.loggers.metrics_file import MetricsFile
from leyden.run import checkpoint as checkpoint_file
from leyden.run.directory import RunDirectory
from leyden.run.execute import execute
from leyden.run.worker import Worker

with suppress(ImportError):  # once for all lives: not every domain has them
    import torchvision.transforms.v2  # noqa: F401

ROOT = Path.cwd()
EXPERIMENTS = embedded_experiments(ROOT)

HOOKS = [
    *("on_train_start", "on_train_epoch_start", "on_train_batch_start", "on_before_zero_grad", "on_after_backward"),
    *("on_before_optimizer_step", "on_train_batch_end", "on_train_epoch_end", "on_train_end"),
    *("on_validation_start", "on_validation_epoch_start", "on_validation_batch_start", "on_validation_batch_end"),
    *("on_validation_epoch_end", "on_validation_end", "on_test_start", "on_test_batch_start", "on_test_batch_end"),
    *("on_test_epoch_end", "on_test_end", "on_save_checkpoint"),
]
PATIENCE = 900  # seconds, after which a life counts as hanging
NAMES = {number: number.name for number in signal.Signals}
PLACES = ["writing", "replacing", "row"]  # in the middle of a checkpoint's file, before it takes its place, of a row


class Signal(NamedTuple):
    """A signal at the n-th call of a hook, before or after all other callbacks."""

    point: str
    count: int
    number: int
    first: bool = True


class Signals(Callback):
    """Count the calls of hooks, and send a signal at one of them."""

    def __init__(self, signal: Signal | None, first: bool) -> None:
        self.calls = Counter()
        self.signal = signal if signal and signal.first == first else None
        for hook in HOOKS:
            setattr(self, hook, partial(self.pass_point, hook))

    def pass_point(self, point: str, *_: Any, **__: Any) -> None:
        self.calls[point] += 1
        if self.signal and (point, self.calls[point]) == self.signal[:2]:
            os.kill(os.getpid(), self.signal.number)


def draw_settings(draw: random.Random, experiments: list[str] = EXPERIMENTS) -> list[str]:
    """Settings of a run that takes seconds."""
    experiment, batches, accumulated = draw.choice(experiments), draw.randint(2, 7), draw.choice([1, 1, 2, 3, 4, 5, 7])
    is_classification = experiment in ("vision/digits", "audio/vowels", "text/stdlib")
    words = [
        *(f"experiment={experiment}", "trainer=cpu", f"seed={draw.randrange(100)}", "data.batch_size=4"),
        *(f"trainer.max_epochs={draw.randint(1, 3)}", f"trainer.limit_train_batches={batches}"),
        *(f"trainer.limit_val_batches={draw.randint(1, 3)}", f"trainer.limit_test_batches={draw.randint(1, 2)}"),
        *(f"trainer.log_every_n_steps={draw.randint(1, 3)}", f"data.num_workers={draw.choice([0, 0, 0, 1])}"),
        f"callbacks.last.every_n_steps={draw.choice(['null', 1, 2, 3])}",
        f"checkpoint.asynchronous={draw.choice(['false', 'false', 'true'])}",
        f"callbacks.plots={draw.choice(['null'] * 9 + ['{num_samples: 4}'])}",
        "+callbacks.means={_target_: logging_parts.EpochMeans}",
    ]
    words += draw.choice(
        [
            [],
            [f"trainer.val_check_interval={draw.randint(1, batches)}"],
            ["trainer.val_check_interval=0.5"],
            ["+trainer.check_val_every_n_epoch=2"],
        ]
    )
    words = [f"+{word}" if word.startswith("trainer.val_check") else word for word in words]
    if draw.random() < 0.2:
        words.append(f"+trainer.max_steps={draw.randint(1, batches)}")
    if draw.random() < 0.3:
        words += ["callbacks=early_stopping", "callbacks.early_stopping.patience=1"]
        words.append("+callbacks.early_stopping.min_delta=10")  # which no metric reaches
    if draw.random() < 0.3:
        words.append("+callbacks.ema={_target_: lightning.pytorch.callbacks.EMAWeightAveraging, decay: 0.8}")
    if is_classification and draw.random() < 0.3:
        words.append("model._target_=logging_parts.TwoOptimizers")
        accumulated = 1
    elif experiment == "vision/digits" and draw.random() < 0.5:
        words.append("+model.mix={_target_: torchvision.transforms.v2.MixUp, num_classes: 10}")
    words.append(f"trainer.accumulate_grad_batches={accumulated}")
    return words


def create(settings: list[str], folder: Path) -> RunDirectory:
    """Create a run; imports happen once in this process, without starting threads, which are not forked."""
    config = compose(settings, ROOT).config | {"runs": str(folder)}
    for target in re.findall(r"_target_: (\S+)", yaml.safe_dump(config)):
        get_object(target)
    return RunDirectory.create(config, ROOT, ["resume_cases", *settings])


def live(run: RunDirectory, sent: Signal | None) -> int:
    """Train in a child process; return its exit code, or the negative number of the signal that killed it."""
    if child := os.fork():
        deadline = time.monotonic() + PATIENCE
        while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < deadline:
            time.sleep(0.01)
        if not ended[0]:
            os.kill(child, signal.SIGQUIT)
            ended = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(ended[1])
    code = 99
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        _disturb(run, sent)
        code = execute(run, "train")
    finally:
        os._exit(code)


def _disturb(run: RunDirectory, sent: Signal | None) -> None:
    callbacks, places = [Signals(sent, first) for first in (True, False)], Signals(sent, True)
    make = Worker._trainer

    def make_disturbed(worker: Worker) -> Any:
        trainer = make(worker)
        trainer.callbacks = [callbacks[0], *trainer.callbacks, callbacks[1]]
        return trainer

    Worker._trainer = make_disturbed
    save, sync, append, finish = torch.save, checkpoint_file.os.fsync, MetricsFile.append, Worker.finish

    def save_in_two(checkpoint: Any, file: Any) -> None:
        save(checkpoint, file)
        file.truncate(file.tell() // 2) if sent and sent.point == "writing" else None
        places.pass_point("writing")
        save(checkpoint, file.seek(0) or file)

    def sync_and_wait(descriptor: int) -> None:
        sync(descriptor)
        places.pass_point("replacing")

    def append_and_die(file: MetricsFile, row: Any) -> None:
        append(file, row)
        places.pass_point("row")

    def count(worker: Worker, exit_code: int) -> None:
        finish(worker, exit_code)
        (run.path / "calls.json").write_text(json.dumps(callbacks[0].calls + places.calls))

    checkpoint_file.torch.save, checkpoint_file.os.fsync = save_in_two, sync_and_wait
    MetricsFile.append, Worker.finish = append_and_die, count


def draw_signals(draw: random.Random, calls: dict[str, int]) -> list[Signal]:
    """Draw one or two signals at points that an uninterrupted run passes."""
    kinds = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGTERM, signal.SIGINT]
    signals = []
    for _ in range(draw.randint(1, 2)):
        point, is_first = draw.choice(sorted(calls)), draw.random() < 0.5
        signals.append(
            Signal(point, draw.randint(1, calls[point]), int(draw.choice(kinds)), is_first or point in PLACES)
        )
    return signals


def undisturbed(settings: list[str], folder: Path) -> tuple[RunDirectory, dict[str, int]]:
    """Return an uninterrupted run and how often it passes each point."""
    run = create(settings, folder)
    code = live(run, None)
    assert code == 0, (run.path / "log.txt").read_text()
    return run, json.loads((run.path / "calls.json").read_text())


def disturbed(
    alone: RunDirectory, signals: list[Signal], settings: list[str], folder: Path
) -> tuple[list[int], list[str]]:
    """Train with the same settings, resuming after each signal; return exit codes and differences."""
    run, codes = create(settings, folder), []
    for file in alone.path.glob("*.json"):
        if file.stem not in ("status", "results", "calls"):
            shutil.copy(file, run.path)  # data properties, which take longest to infer
    for one in [*signals, None]:
        codes.append(live(run, one))
        if codes[-1] not in (75, 130, -signal.SIGKILL):
            break
    return codes, differences(alone, run) if codes[-1] == 0 else [(run.path / "log.txt").read_text()[-3000:]]


def main() -> None:
    seed, count, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    # Those with the smallest networks, where the project has them.
    small = [name for name in EXPERIMENTS if name in ("vision/digits", "audio/vowels", "text/stdlib")]
    settings = draw_settings(random.Random(seed), small or EXPERIMENTS)
    alone, calls = undisturbed(settings, folder)
    for number in range(count):
        signals = draw_signals(random.Random(f"{seed}/{number}"), calls)
        codes, found = disturbed(alone, signals, settings, folder)
        if found:
            print(json.dumps({"settings": settings, "signals": signals, "codes": codes, "differences": found}))


if __name__ == "__main__":
    main()
