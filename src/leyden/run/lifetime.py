"""Whether the process that trains a run lives: it holds a lock on the run, which the system takes from the dead.

Imports no torch.
"""

import fcntl
import os
import platform
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any

from ..errors import Stopped
from .directory import LOCK, RunDirectory
from .shutdown import STATES

CHILD = "TRAINING_CHILD"  # environment variable of a training process whose parent holds the run's lock


def stop_with_parent(run: RunDirectory) -> None:
    """To be called by a training process whose parent holds the lock: where that is killed, this one stops, too.

    It saves, as before the end of a job, since nobody would hand on a signal to it, nor start the next run of a sweep.
    Until it has ended the run stays locked: it has the lock from the dead.
    """
    threading.Thread(target=_stop_with_parent, args=[run], daemon=True).start()


def _stop_with_parent(run: RunDirectory) -> None:
    number = next((signal.Signals[name] for name in run.config["preemption"]), signal.SIGTERM)
    with suppress(OSError), (run.path / LOCK).open("rb") as file:  # a file system may have no locks
        fcntl.lockf(file, fcntl.LOCK_SH)  # waits for as long as the parent lives; all ranks may have it
        os.kill(os.getpid(), number)
        threading.Event().wait()


def has_died(run: RunDirectory) -> bool:
    """Whether a run that is said to be running was trained on this machine, by a process that is no more."""
    status = run.status
    if status["state"] != "running" or "job" in status or status.get("host") != platform.node():
        return False
    for mode, kind in (("r+b", fcntl.LOCK_EX), ("rb", fcntl.LOCK_SH)):  # the second where nothing can be written
        try:
            with (run.path / LOCK).open(mode) as file:
                fcntl.lockf(file, kind | fcntl.LOCK_NB)
                return True
        except BlockingIOError:
            return False
        except OSError:
            continue
    return False


def kept_status(fit: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A worker's `fit` that keeps the status of a run that is trained in Python, without a command that does."""

    @wraps(fit)
    def kept(worker: Any) -> Any:
        if not worker.is_in_python or worker.trainer.world_size > 1:
            return fit(worker)
        with _kept_status(worker.run):
            return fit(worker)

    return kept


@contextmanager
def _kept_status(run: RunDirectory) -> Iterator[None]:
    with run.claimed():
        run.set_state("running", host=platform.node(), error=None)
        try:
            yield
        except (Stopped, KeyboardInterrupt) as error:
            run.set_state(STATES[error.stop] if isinstance(error, Stopped) else "interrupted")
            raise
        except BaseException as error:
            run.set_state("failed", error=f"{type(error).__name__}: {error}")
            raise
        run.set_state("finished")
