"""Requests to stop a run, heard from its first moment on: importing torch takes seconds, and a signal must not kill."""

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal

from ..errors import Stop

STATES: dict[Stop, Literal["preempted", "interrupted"]] = {
    Stop.PREEMPTED: "preempted",
    Stop.INTERRUPTED: "interrupted",
}


class StopRequest:
    """Remembers signals until the training comes to a place where it can stop.

    A handler only sets `wanted`: it may come at any moment, also within a collective operation of which the other
    ranks know nothing.

    Args:
        preemption: names of the signals that announce the end of a job; they may come again.
    """

    def __init__(self, preemption: Iterable[str]) -> None:
        self.wanted = Stop.NO
        self.preemption = [signal.Signals[name] for name in preemption]

    @contextmanager
    def held(self) -> Iterator[None]:
        """A process that is started here hears only when it listens what is sent to it earlier: it is not killed."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, *self.preemption])
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def listen(self) -> None:
        """From now on, the end of a job is remembered."""
        for number in self.preemption:
            signal.signal(number, self._receive)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT, *self.preemption])  # see `held`

    def ignore(self) -> None:
        """From now on, the end of a job is no news: Python's own end would give it back its power to kill."""
        for number in self.preemption:
            signal.signal(number, signal.SIG_IGN)

    def hold_interrupts(self) -> None:
        """From now on, the first Ctrl-C is remembered; only the second stops at once."""
        signal.signal(signal.SIGINT, self._receive)

    def release_interrupts(self) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if number != signal.SIGINT:
            self.wanted = max(self.wanted, Stop.PREEMPTED)
        elif self.wanted == Stop.INTERRUPTED:
            raise KeyboardInterrupt
        else:
            self.wanted = Stop.INTERRUPTED
            if os.environ.get("LOCAL_RANK", "0") == "0":  # a logger must not be entered twice, as by a signal
                os.write(2, b"\nsaving after this step; Ctrl-C once more to stop at once\n")
