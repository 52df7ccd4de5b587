"""Two processes that train by turns, a tenth of a second each, so that both meet the same moods of the machine."""

import os
import pty
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from lightning.pytorch import Callback

TURN = 0.1  # seconds: the machine's moods last longer, and what the other left in caches is a small part
SECONDS: list[list[float]] = []  # of this process: of each step of each epoch


class Turns(Callback):
    """One of the two, also as a callback of Lightning's: takes its turn at the start of each epoch, and after steps.

    Args:
        own: named pipe at which it waits for its turn.
        other: that of the other one.
    """

    def __init__(self, own: str, other: str) -> None:
        # For both, so that neither waits for the other one to open it.
        self.own, self.other = os.open(own, os.O_RDWR), os.open(other, os.O_RDWR)
        self.has_turn = False

    def take(self) -> None:
        """Gives the turn that it has to the other one, and waits for the next."""
        if self.has_turn:
            self.give()
        os.read(self.own, 1)
        self.has_turn, self.begin = True, time.perf_counter()
        self.end = self.begin + TURN

    def give(self, number: int = 1) -> None:
        os.write(self.other, b"." * number)

    def on_train_epoch_start(self, *_: Any) -> None:
        self.take()
        SECONDS.append([])

    def on_train_batch_end(self, *_: Any) -> None:
        now = time.perf_counter()
        SECONDS[-1].append(now - self.begin)
        self.begin = now
        if now > self.end:
            self.take()


def by_turns(one: Callable[[str, str], Any], other: Callable[[str, str], Any]) -> list[Any]:
    """What both functions return, each called with its pipes in a new interpreter that believes it has a terminal.

    A forked one would have learnt from what was freed before it to keep memory, as no program does that just started.
    """
    shown, terminal = pty.openpty()
    reader = Thread(target=_read, args=[shown], daemon=True)
    reader.start()
    sides = [ProcessPoolExecutor(1, mp_context=get_context("spawn")) for _ in range(2)]
    with TemporaryDirectory() as folder, sides[0], sides[1]:
        pipes = [str(Path(folder, name)) for name in ("first", "second")]
        for pipe in pipes:
            os.mkfifo(pipe)
        start = Turns(pipes[1], pipes[0])
        start.give()
        name = os.ttyname(terminal)
        futures = [sides[0].submit(_run, one, *pipes, name), sides[1].submit(_run, other, *reversed(pipes), name)]
        results = [future.result() for future in futures]
    os.close(terminal)
    reader.join()
    os.close(shown)
    return results


def _run(function: Callable[[str, str], Any], own: str, other: str, terminal: str) -> Any:
    descriptor = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    try:
        return function(own, other)
    finally:
        Turns(own, other).give(1000)  # it need not wait again for one that has ended, or failed


def _read(shown: int) -> None:
    with suppress(OSError):  # no process has the terminal any more
        while os.read(shown, 65536):
            pass
