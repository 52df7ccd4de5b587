"""Signal handling: requests to stop a run are recorded from its start, before torch is imported."""

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
    """Record signals until training reaches a point where it can stop.

    The handler only sets `requested`, because a signal may arrive at any time, even within a collective operation.

    Args:
        preemption: Names of the signals that announce the end of a job; they may be repeated.
    """

    def __init__(self, preemption: Iterable[str]) -> None:
        self.requested = Stop.NO
        self.preemption = [signal.Signals[name] for name in preemption]

    @contextmanager
    def blocked(self) -> Iterator[None]:
        """Block stop signals while a child is spawned; the child receives them once it calls `listen`."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, *self.preemption])
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def listen(self) -> None:
        """Start to record preemption signals."""
        for number in self.preemption:
            signal.signal(number, self._receive)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT, *self.preemption])  # see `blocked`

    def ignore(self) -> None:
        """Ignore preemption signals from now on: when Python exits, it restores the default action, which kills."""
        for number in self.preemption:
            signal.signal(number, signal.SIG_IGN)

    def hold_interrupts(self) -> None:
        """Record the first Ctrl-C from now on; the second raises KeyboardInterrupt."""
        signal.signal(signal.SIGINT, self._receive)

    def release_interrupts(self) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if number != signal.SIGINT:
            self.requested = max(self.requested, Stop.PREEMPTED)
        elif self.requested == Stop.INTERRUPTED:
            raise KeyboardInterrupt
        else:
            self.requested = Stop.INTERRUPTED
            if os.environ.get("LOCAL_RANK", "0") == "0":  # logging is not safe in a signal handler
                os.write(2, b"\nsaving after this step; press Ctrl-C again to stop immediately\n")
