import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from ..errors import UserError
from ..run.directory import RunDirectory
from ..run.shutdown import StopRequest
from .launcher import INTERRUPTED, PREEMPTED, STOPPED
from .run_process import ForkedRun, SpawnedRun, import_shared

OUTPUT = "output.txt"  # in the run directory: what a run of several at once would have printed to the terminal
POLL_SECONDS = 0.05

Start = Callable[[RunDirectory, dict[str, str], Path | None], SpawnedRun | ForkedRun]


class Member(NamedTuple):
    """A run that is being trained, its process, its share of the machine and what is released at its end."""

    run: RunDirectory
    process: SpawnedRun | ForkedRun
    share: dict[str, str]
    held: ExitStack
    begin: float


class RunPool:
    """Train runs in processes of their own, one after the other or several at once.

    No state is shared. Each process is in its own session, and this process forwards signals, so that it receives each
    signal once. A single run at a time uses the terminal; of several at once each writes to `output.txt` in its run
    directory, and the terminal shows a line when a run starts and one when it ends.

    Args:
        runs: The run directories.
        shares: The environment variables of each of the runs at once; see `shares`.
        start: Starts the process of a run, with its share, and its output file if it has one.
    """

    def __init__(self, runs: list[RunDirectory], shares: list[dict[str, str]], start: Start = SpawnedRun) -> None:
        self.runs, self.start = runs, start
        self.free, self.is_parallel = [*shares], len(shares) > 1
        self.waiting, self.active = deque(runs), list[Member]()
        self.received: list[int] = []
        self.codes: list[int] = []

    def train(self) -> int:
        """Train all runs and return the highest exit code. A failed run does not stop the others; a signal does."""
        preemption = {number for run in self.runs for number in StopRequest(run.config["preemption"]).preemption}
        numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, *preemption}
        previous = {number: signal.signal(number, self._receive) for number in numbers}
        try:
            if self.start is ForkedRun:
                import_shared(self.free[0])
            while self.active or (self.waiting and not self._is_stopped):
                if self.waiting and self.free and not self._is_stopped:
                    self._begin(self.waiting[0])
                else:
                    time.sleep(POLL_SECONDS)
                    self._collect()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        if self.waiting:
            number = len(self.waiting)
            print(f"not started: {number} run{'s' * (number > 1)}; train them with: leyden resume RUN", file=sys.stderr)
        if self.waiting and self.received:
            self.codes.append(INTERRUPTED if signal.SIGINT in self.received else PREEMPTED)
        return max(self.codes)

    @property
    def _is_stopped(self) -> bool:
        return bool(self.received) or any(code in STOPPED for code in self.codes)

    def _begin(self, run: RunDirectory) -> None:
        with ExitStack() as stack:
            try:
                stack.enter_context(run.claimed())
            except UserError as error:
                print(error, file=sys.stderr)
                self.codes.append(2)
                self.waiting.popleft()
                return
            with StopRequest(run.config["preemption"]).blocked():
                if self.received:  # during the import, or after the previous run had ended
                    return
                self.waiting.popleft()
                share = self.free.pop(0)
                if share:
                    run.update_status(share=share)
                process = self.start(run, share, run.path / OUTPUT if self.is_parallel else None)
                self.active.append(Member(run, process, share, stack.pop_all(), time.perf_counter()))
        self._report(run, "started" + "".join(f" {name}={value}" for name, value in sorted(share.items())))

    def _collect(self) -> None:
        """Record the runs whose processes have ended."""
        for member in [*self.active]:
            if (code := member.process.poll()) is None:
                continue
            self.active.remove(member)
            self.free.append(member.share)
            self.codes.append(1 if code < 0 else code)
            if code < 0:
                error = f"its process was killed by {signal.Signals(-code).name}"
                member.run.set_state("failed", error=error, exit_code=1)
                print(f"{member.run.path}: {error}; continue with: leyden resume {member.run.path}", file=sys.stderr)
            member.held.close()
            seconds = time.perf_counter() - member.begin
            try:
                self._report(member.run, f"{_describe_end(member.run, code)}  {seconds:.1f} s")
            except (OSError, UserError) as error:  # such as a run that was moved; the others go on
                print(error, file=sys.stderr)

    def _report(self, run: RunDirectory, text: str) -> None:
        if self.is_parallel:
            print(f"[{self.runs.index(run) + 1}/{len(self.runs)}] {run.path.name}  {text}", file=sys.stderr, flush=True)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received.append(number)
        for member in self.active:
            with suppress(ProcessLookupError):
                os.kill(member.process.pid, number)
        if number == signal.SIGINT and not self.active:
            raise KeyboardInterrupt
        if number == signal.SIGINT and self.is_parallel and self.received.count(number) == 1:
            os.write(2, b"\nsaving all runs; press Ctrl-C again to stop immediately\n")


def _describe_end(run: RunDirectory, code: int) -> str:
    status, best = run.status, run.best
    if code and code not in STOPPED:
        reason = (status.get("error") or f"exit code {code}").partition("\n")[0]
        return f"failed: {reason} ({run.path / OUTPUT})"
    value = best.get("metrics", {}).get(best.get("monitor"))
    return status["state"] + (f"  {best['monitor']} {value:.4f}" if value is not None else "")
