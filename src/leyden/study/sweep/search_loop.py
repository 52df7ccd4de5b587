import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from types import FrameType

from ...errors import UserError
from ...launch.launcher import INTERRUPTED, PREEMPTED
from ...launch.pool import OUTPUT, POLL_SECONDS, Start
from ...launch.run_process import ForkedRun, SpawnedRun, import_shared
from ...run.shutdown import StopRequest
from .results_file import write_results
from .rows import Row, describe
from .trials import ClaimedTrial, Trials

MAX_FAILURES = 3  # at the beginning of a search, after which it stops: the cause is not one of their values
LOOK_SECONDS = 2.0  # time between looks at the trials of other workers


class SearchLoop:
    """Train the trials of a search on this machine, one after the other or several at once.

    Each trial has a process of its own, whose output goes to `output.txt` in its run directory. Signals are forwarded
    to all of them; each saves a checkpoint, from which it continues when the search does.

    Args:
        trials: The trials.
        shares: The environment variables of each of the runs at once; see `shares`.
        start: Starts the process of a run.
        preemption: Names of the signals that announce the end of a job.
        waits: Whether to wait for the last trials of other workers, which this one would continue if they were killed.
    """

    def __init__(
        self,
        trials: Trials,
        shares: list[dict[str, str]],
        start: Start,
        preemption: Iterable[str],
        waits: bool = True,
    ) -> None:
        self.trials, self.start, self.stop = trials, start, StopRequest(preemption)
        self.free, self.waits = [*shares], waits
        self.active: list[tuple[ClaimedTrial, SpawnedRun | ForkedRun, dict[str, str]]] = []
        self.received: list[int] = []
        self.failures: list[str] = []
        self.begin, self.look_at = time.monotonic(), 0.0

    def run(self) -> int:
        """Train until the search ends or is stopped, and return the exit code.

        Raises:
            UserError: The first trials have all failed.
        """
        numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, *self.stop.preemption}
        previous = {number: signal.signal(number, self._receive) for number in numbers}
        try:
            if self.start is ForkedRun:
                import_shared(self.free[0])
            while True:
                self._collect()
                if self._fill() or self.active:
                    time.sleep(POLL_SECONDS)
                elif self.received or not self._is_waiting():
                    break
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        if self.received:
            return INTERRUPTED if signal.SIGINT in self.received else PREEMPTED
        if self._has_failed:
            raise UserError(
                f"the first {len(self.failures)} trials failed: {self.failures[-1]}\n"
                f"After fixing this, continue with: leyden sweep --resume {self.trials.study.path}"
            )
        return 0

    @property
    def is_late(self) -> bool:
        """Whether the time in which new trials may begin has passed."""
        hours = self.trials.search["hours"]
        return hours is not None and time.monotonic() - self.begin > hours * 3600

    @property
    def _has_failed(self) -> bool:
        if len(self.failures) < MAX_FAILURES:
            return False
        return all(trial.state.name == "FAIL" for trial in self.trials.all() if trial.state.is_finished())

    def _fill(self) -> bool:
        """Start a trial if a worker is free, and return whether one was started."""
        if not self.free or self.received or time.monotonic() < self.look_at or self._has_failed:
            return False
        active = {trial.number for trial, *_ in self.active}
        if not (trial := self.trials.next(active, may_begin=not self.is_late)):
            self.look_at = time.monotonic() + LOOK_SECONDS
            return False
        with self.stop.blocked():
            if self.received:
                trial.held.close()
                return False
            share = self.free.pop(0)
            if share:
                trial.run.update_status(share=share)
            self.active.append((trial, self.start(trial.run, share, trial.run.path / OUTPUT), share))
        return True

    def _collect(self) -> None:
        """Record the trials whose processes have ended."""
        for member in [*self.active]:
            trial, process, share = member
            if (code := process.poll()) is None:
                continue
            self.active.remove(member)
            self.free.append(share)
            if code < 0:
                error = f"its process was killed by {signal.Signals(-code).name}"
                trial.run.set_state("failed", error=error, exit_code=1)
            elif trial.run.status["state"] in ("created", "running"):  # it ended before it could write its status
                trial.run.set_state("failed", exit_code=code)
            with self.trials.study.locked():
                if self.trials.tell(trial):
                    rows = self.trials.rows()
                    write_results(self.trials.study, rows)
                    self._report(next(row for row in rows if row.number == trial.number), rows)
            trial.held.close()
            self.look_at = 0.0

    def _report(self, row: Row, rows: list[Row]) -> None:
        line = describe(row, rows, self.trials.objectives, self.trials.search["trials"])
        print(line, file=sys.stderr, flush=True)
        self.failures += [row.error] if row.state == "failed" else []

    def _is_waiting(self) -> bool:
        """Whether to wait for trials of other workers."""
        if not self.waits or self._has_failed or all(trial.state.is_finished() for trial in self.trials.all()):
            return False
        time.sleep(POLL_SECONDS)
        return True

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received.append(number)
        for _, process, _ in self.active:
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)
        if number == signal.SIGINT and self.received.count(number) == 1:
            os.write(2, b"\nsaving all trials; press Ctrl-C again to stop immediately\n")
