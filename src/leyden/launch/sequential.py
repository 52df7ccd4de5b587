import os
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.context import ForkProcess
from types import FrameType

from ..run.directory import RunDirectory
from ..run.frozen_code import environment
from ..run.gc_paused import gc_paused
from ..run.lifetime import CHILD, stop_with_parent
from ..run.shutdown import StopRequest
from .launcher import EXECUTE, INTERRUPTED, PREEMPTED, STOPPED


class SequentialLauncher:
    """Train runs sequentially, each in its own process, so that no state is shared.

    Each process is in its own session, and this process forwards signals, so that it receives each signal once.

    Args:
        runs: The run directories.
        forks: Whether to fork the processes from this one, after it has imported torch, or to spawn them.
    """

    def __init__(self, runs: list[RunDirectory], forks: bool) -> None:
        self.runs, self.forks = runs, forks
        self.process: SpawnedRun | ForkedRun | None = None
        self.received: list[int] = []

    def train(self) -> int:
        """Train all runs and return the highest exit code. A failed run does not stop the next; a signal does."""
        preemption = {number for run in self.runs for number in StopRequest(run.config["preemption"]).preemption}
        numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, *preemption}
        previous = {number: signal.signal(number, self._receive) for number in numbers}
        codes = []
        try:
            if self.forks:
                _import_shared()
            for run in self.runs:
                with run.claimed():
                    codes.append(self._train(run))
                if codes[-1] in STOPPED:  # stopped from outside: the remaining runs are not started
                    break
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        return max(codes)

    def _train(self, run: RunDirectory) -> int:
        with StopRequest(run.config["preemption"]).blocked():
            if self.received:  # during the import, or after the previous run had ended
                return INTERRUPTED if signal.SIGINT in self.received else PREEMPTED
            self.process = ForkedRun(run) if self.forks else SpawnedRun(run)
        code = self.process.wait()
        self.process = None
        if code >= 0:
            return code
        error = f"its process was killed by {signal.Signals(-code).name}"
        run.set_state("failed", error=error, exit_code=1)
        print(f"{run.path}: {error}; continue with: leyden resume {run.path}", file=sys.stderr)
        return 1

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received.append(number)
        if self.process:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)
        elif number == signal.SIGINT:
            raise KeyboardInterrupt


class SpawnedRun:
    """A run trained in a new Python process."""

    def __init__(self, run: RunDirectory) -> None:
        command = [sys.executable, "-m", EXECUTE, str(run.path), "train"]
        self.process = subprocess.Popen(command, start_new_session=True, env={**environment(run.path), CHILD: "1"})
        self.pid = self.process.pid

    def wait(self) -> int:
        """Return the exit code, or the negative number of the signal that killed the process."""
        return self.process.wait()


class ForkedRun:
    """A run trained in a fork of this process, which must not have started compute threads or used random numbers."""

    def __init__(self, run: RunDirectory) -> None:
        self.process = ForkProcess(target=_execute, args=[run])
        self.process.start()
        assert self.process.pid is not None
        self.pid = self.process.pid

    def wait(self) -> int:
        """Return the exit code, or the negative number of the signal that killed the process."""
        self.process.join()
        assert self.process.exitcode is not None
        return self.process.exitcode


def _import_shared() -> None:
    """Import what every run needs, without starting compute threads or using random numbers."""
    with suppress(Exception), gc_paused():  # each run logs import errors itself
        from ..run import predict, worker  # noqa: F401


def _execute(run: RunDirectory) -> None:
    os.setsid()
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):  # a handler inherited from the parent
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    from ..run.execute import execute

    stop_with_parent(run)
    sys.exit(execute(run, "train"))
