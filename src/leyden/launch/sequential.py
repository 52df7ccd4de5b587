import os
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.context import ForkProcess
from types import FrameType

from ..run.directory import RunDirectory
from ..run.frozen_code import environment
from ..run.gc_paused import uncollected
from ..run.lifetime import CHILD, stop_with_parent
from ..run.shutdown import StopRequest
from .launcher import EXECUTE, INTERRUPTED, PREEMPTED, STOPPED


class InTurn:
    """Trains runs one after the other, each in a process of its own: what one leaves behind is nothing to the next.

    A process is in a session of its own, and this one hands signals on: it receives each of them once.

    Args:
        runs: their directories.
        forks: whether the processes are copies of this one, which has imported torch for all, or new ones.
    """

    def __init__(self, runs: list[RunDirectory], forks: bool) -> None:
        self.runs, self.forks = runs, forks
        self.process: New | Forked | None = None
        self.received: list[int] = []

    def train(self) -> int:
        """Returns the highest exit code. A failed or killed run does not keep the next from its turn; a signal does."""
        preemption = {number for run in self.runs for number in StopRequest(run.config["preemption"]).preemption}
        numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, *preemption}
        previous = {number: signal.signal(number, self._receive) for number in numbers}
        codes = []
        try:
            if self.forks:
                _import()
            for run in self.runs:
                with run.claimed():
                    codes.append(self._train(run))
                if codes[-1] in STOPPED:  # from outside, as are those that have not begun
                    break
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        return max(codes)

    def _train(self, run: RunDirectory) -> int:
        with StopRequest(run.config["preemption"]).held():
            if self.received:  # while torch was imported, or too late for the run before
                return INTERRUPTED if signal.SIGINT in self.received else PREEMPTED
            self.process = Forked(run) if self.forks else New(run)
        code = self.process.wait()
        self.process = None
        if code >= 0:
            return code
        error = f"its process was killed by {signal.Signals(-code).name}"
        run.set_state("failed", error=error, exit_code=1)
        again = f"go on with: leyden resume {run.path}"
        print(f"{run.path}: {error}; {again}", file=sys.stderr)
        return 1

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received.append(number)
        if self.process:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)
        elif number == signal.SIGINT:
            raise KeyboardInterrupt


class New:
    """A new process."""

    def __init__(self, run: RunDirectory) -> None:
        command = [sys.executable, "-m", EXECUTE, str(run.path), "train"]
        self.process = subprocess.Popen(command, start_new_session=True, env={**environment(run.path), CHILD: "1"})
        self.pid = self.process.pid

    def wait(self) -> int:
        """Its exit code, or minus the signal that killed it."""
        return self.process.wait()


class Forked:
    """A copy of this process. What multiplies matrices and draws numbers must not have begun here: it begins there."""

    def __init__(self, run: RunDirectory) -> None:
        self.process = ForkProcess(target=_live, args=[run])
        self.process.start()
        assert self.process.pid is not None
        self.pid = self.process.pid

    def wait(self) -> int:
        """Its exit code, or minus the signal that killed it."""
        self.process.join()
        assert self.process.exitcode is not None
        return self.process.exitcode


def _import() -> None:
    """What every run needs, but no random number and no thread that computes."""
    with suppress(Exception), uncollected():  # each run says in its own log what cannot be imported
        from ..run import predict, worker  # noqa: F401


def _live(run: RunDirectory) -> None:
    os.setsid()
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):  # a handler of the process that this is a copy of
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    from ..run.execute import execute

    stop_with_parent(run)
    sys.exit(execute(run, "train"))
