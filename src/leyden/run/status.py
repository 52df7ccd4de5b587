import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import IO, Any

from ..errors import UserError
from ..io import FULL, write_atomically, write_in_place

THREAD_LOCK = Lock()  # file locks do not exclude threads of one process


class StatusFile:
    """status.json of a run, which several processes may change, one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        """Read the status.

        Raises:
            UserError: The file is damaged, for example by a disk failure.
        """
        status = read_json(self.path)
        if isinstance(status, dict) and {"id", "state"} <= status.keys():
            return status
        identity = self.path.parent.name.rpartition("-")[2]
        raise UserError(
            f"{self.path} is damaged; to continue the run, replace its content by: "
            f'{{"id": "{identity}", "state": "interrupted"}}'
        )

    def add(self, **details: Any) -> None:
        with self._locked():
            status = self.read() | details
            try:
                write_atomically(self.path, json.dumps(status, indent=1))
            except OSError as error:
                if error.errno not in FULL:
                    raise
                short = {name: value[:1000] if isinstance(value, str) else value for name, value in status.items()}
                write_in_place(self.path, json.dumps(short, indent=1))

    @contextmanager
    def _locked(self, seconds: float = 5.0) -> Iterator[None]:
        """Exclude other processes that change the status, such as other ranks or a job that has just been submitted."""
        deadline = time.monotonic() + seconds
        with THREAD_LOCK, ExitStack() as stack:
            with suppress(OSError):  # such as a full disk or a read-only folder
                file = stack.enter_context(self.path.with_name(".status.lock").open("wb"))
                while not locked(file) and time.monotonic() < deadline:
                    time.sleep(0.01)
            yield


def locked(file: IO[bytes]) -> bool:
    """Try to lock a file exclusively and return whether it succeeded."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike flock, not inherited by forked processes
    except BlockingIOError:
        return False
    except OSError:  # the file system does not support locks
        pass
    return True


def wait_for_lock(file: IO[bytes]) -> None:
    """Lock a file exclusively.

    It polls: the system would refuse to block if the holder has a thread that waits for this process, as a training
    process does until its parent dies (see `lifetime`), since it takes this for a deadlock.
    """
    while not locked(file):
        time.sleep(0.005)


def read_json(path: Path) -> Any:
    """Read a JSON file of a run; return None if it is empty or damaged."""
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return None
