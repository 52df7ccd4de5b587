"""Detect whether the training process of a run is alive: it holds a lock, which the system releases when it dies.

Torch-free.
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

from ..errors import Pruned, Stopped
from .directory import LOCK, RunDirectory
from .shutdown import STATES

CHILD = "TRAINING_CHILD"  # environment variable of a training process whose parent holds the run's lock


def stop_with_parent(run: RunDirectory) -> None:
    """Stop this training process when its parent, which holds the run's lock, is killed.

    The process saves a checkpoint, as before the end of a job, since no parent forwards signals to it any more. It
    holds the lock until it exits.
    """
    threading.Thread(target=_stop_with_parent, args=[run], daemon=True).start()


def _stop_with_parent(run: RunDirectory) -> None:
    number = next((signal.Signals[name] for name in run.config["preemption"]), signal.SIGTERM)
    with suppress(OSError), (run.path / LOCK).open("rb") as file:  # a file system may not support locks
        fcntl.lockf(file, fcntl.LOCK_SH)  # blocks until the parent dies; shared by all ranks
        os.kill(os.getpid(), number)
        threading.Event().wait()


def has_died(run: RunDirectory) -> bool:
    """Whether the process of a run with the state "running" on this machine has died."""
    status = run.status
    if status["state"] != "running" or "job" in status or status.get("host") != platform.node():
        return False
    for mode, kind in (("r+b", fcntl.LOCK_EX), ("rb", fcntl.LOCK_SH)):  # the second for read-only folders
        try:
            with (run.path / LOCK).open(mode) as file:
                fcntl.lockf(file, kind | fcntl.LOCK_NB)
                return True
        except BlockingIOError:
            return False
        except OSError:
            continue
    return False


def records_status(fit: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Decorate a worker's `fit` to write the status of a run that is trained from Python, not by a command."""

    @wraps(fit)
    def wrapper(worker: Any) -> Any:
        if not worker.is_in_python or worker.trainer.world_size > 1:
            return fit(worker)
        with _record_status(worker.run):
            return fit(worker)

    return wrapper


@contextmanager
def _record_status(run: RunDirectory) -> Iterator[None]:
    with run.claimed():
        run.set_state("running", host=platform.node(), error=None)
        try:
            yield
        except Pruned:
            run.set_state("pruned")
            raise
        except (Stopped, KeyboardInterrupt) as error:
            run.set_state(STATES[error.stop] if isinstance(error, Stopped) else "interrupted")
            raise
        except BaseException as error:
            run.set_state("failed", error=f"{type(error).__name__}: {error}")
            raise
        run.set_state("finished")
