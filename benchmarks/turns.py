"""Two processes that train by turns, an epoch each, so that both meet the same moods of the machine."""

import os
import pty
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback
from pairs import started


class Turns(Callback):
    """One of the two; as a callback of Lightning's it takes its turn at the start of each epoch.

    Args:
        own: file descriptor that it waits at.
        other: file descriptor that the other one waits at.
    """

    def __init__(self, own: int, other: int) -> None:
        self.own, self.other, self.has_turn = own, other, False

    def take(self) -> None:
        """Gives the turn that it has to the other one, and waits for the next."""
        if self.has_turn:
            os.write(self.other, b".")
        os.read(self.own, 1)
        self.has_turn = True

    def on_train_epoch_start(self, *_: Any) -> None:
        self.take()


def by_turns(one: Callable[[Turns], Any], other: Callable[[Turns], Any], folder: Path) -> list[Any]:
    """What both functions return, each in a forked process that believes it has a terminal."""
    shown, terminal = pty.openpty()
    (first, to_first), (second, to_second) = os.pipe(), os.pipe()
    os.write(to_first, b".")

    def side(function: Callable[[Turns], Any], turns: Turns) -> Any:
        for stream in (1, 2):
            os.dup2(terminal, stream)
        try:
            return function(turns)
        finally:
            os.write(turns.other, b".")

    results = [
        started(lambda: side(one, Turns(first, to_second)), folder),
        started(lambda: side(other, Turns(second, to_first)), folder),
    ]
    os.close(terminal)
    last = b""
    while True:
        try:
            last = (last + os.read(shown, 65536))[-4000:]
        except OSError:  # the end
            break
    for descriptor in (shown, first, to_first, second, to_second):
        os.close(descriptor)
    try:
        return [result() for result in results]
    except SystemExit as failure:
        raise SystemExit(f"{last.decode(errors='replace')}\n{failure}") from None
