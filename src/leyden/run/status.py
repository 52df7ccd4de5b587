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

THREADS = Lock()  # whom the system's locks do not keep apart


class StatusFile:
    """What a run says of itself. Several processes may change it: one at a time.

    Args:
        path: of status.json.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        """
        Raises:
            UserError: the file is damaged, as by a disk that lost what was written.
        """
        status = read_json(self.path)
        if isinstance(status, dict) and {"id", "state"} <= status.keys():
            return status
        identity = self.path.parent.name.rpartition("-")[2]
        raise UserError(
            f"{self.path} is damaged; to go on with the run, write into it: "
            f'{{"id": "{identity}", "state": "interrupted"}}'
        )

    def add(self, **details: Any) -> None:
        with self._alone():
            status = self.read() | details
            try:
                write_atomically(self.path, json.dumps(status, indent=1))
            except OSError as error:
                if error.errno not in FULL:
                    raise
                short = {name: value[:1000] if isinstance(value, str) else value for name, value in status.items()}
                write_in_place(self.path, json.dumps(short, indent=1))

    @contextmanager
    def _alone(self, seconds: float = 5.0) -> Iterator[None]:
        """Other ranks, and a job that begins while it is submitted, change the status before or after."""
        deadline = time.monotonic() + seconds
        with THREADS, ExitStack() as stack:
            with suppress(OSError):  # nothing more can be written
                file = stack.enter_context(self.path.with_name(".status.lock").open("wb"))
                while not locked(file) and time.monotonic() < deadline:
                    time.sleep(0.01)
            yield


def locked(file: IO[bytes]) -> bool:
    """Takes a lock that no other process has, and says whether it could."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike flock, not kept by forked processes
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True


def read_json(path: Path) -> Any:
    """What a file of a run holds; None where it is empty or damaged."""
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return None
