"""A connection to Weights & Biases: begun in seconds or not at all, and fed from metrics.csv. Imports no torch."""

import re
import threading
from collections.abc import Iterable, Mapping
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import build_opener

import wandb
from filelock import FileLock, Timeout

from ..errors import UserError
from .sent_rows import SentRows

INIT_SECONDS = 20.0
# What the terminal shows, the words that were typed, folders, and the address of the repository stay on this machine.
NOTHING_LOCAL = {"console": "off", "x_disable_meta": True, "disable_git": True, "save_code": False}


class WandbSession:
    """A run at the server, begun or continued, whose rows are those of metrics.csv.

    The server tells how many rows it has, and `SentRows` which ones. So a row arrives once, whoever sends it: the
    training, the training after a kill, or `sync`. `wandb sync` cannot do that: it appends what it is given, and the
    file that it reads is empty where the process was killed.

    Args:
        folder: the run directory.
        id: identity of the run.
        name: name of the run.
        project: project at Weights & Biases.
        entity: user or team; none for the user's default.
        **settings: of `wandb.Settings`.

    Raises:
        ConnectionError: the server does not answer, or another process feeds the run.
        UserError: the server does not take the run, as without a login.
    """

    def __init__(
        self, folder: Path, id: str, name: str, project: str, entity: str | None = None, **settings: Any
    ) -> None:
        server = wandb.setup().settings.base_url
        if not _answers(server):
            raise ConnectionError(f"no connection to {server}")
        self._lock = FileLock(folder / ".wandb.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ConnectionError("another process uploads this run") from None
        identity = {"id": id, "name": name, "project": project, "entity": entity, "dir": str(folder)}
        limits: dict[str, Any] = {
            "init_timeout": INIT_SECONDS,
            "finish_timeout_raises": True,
            "silent": True,
        } | NOTHING_LOCAL
        try:
            self.run = wandb.init(**identity, resume="allow", settings=wandb.Settings(**limits | settings))
        except wandb.errors.Error as error:
            self._lock.release()
            wandb.teardown()  # or the next run in this process inherits what failed
            if isinstance(error, wandb.errors.CommError) and not re.search(r"error 4\d\d", str(error)):
                raise ConnectionError(f"{server} does not answer: {error}") from error
            raise UserError(
                f"Weights & Biases refused: {error}\nLog in with `wandb login`, or set logger.wandb.mode=offline"
            ) from error
        self.run.define_metric("trainer/global_step")
        self.run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
        self.rows = SentRows(folder / ".wandb-rows", received=self.run.starting_step)
        self.num_sent = 0  # in this session

    def send(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Sends those of the rows of metrics.csv, from the first one on, that the server has not."""
        for row in rows:
            self.log({name: _number(value) for name, value in row.items() if value})

    def log(self, row: Mapping[str, Any], media: Mapping[str, Any] | None = None) -> None:
        """Sends the next row, with its `step`, and what is to travel with it, unless the server has it."""
        step = self.rows.next_step
        if not self.rows.has(row):
            values = {name: value for name, value in row.items() if name != "step"}
            self._log(step, {"trainer/global_step": row["step"], **values, **(media or {})})

    def log_media(self, media: Mapping[str, Any]) -> None:
        """Sends the plots of the test after all rows, unless the server has some."""
        step = self.rows.next_step
        if not self.rows.has({"step": "media"}):
            self._log(step, media)

    def _log(self, step: int, values: Mapping[str, Any]) -> None:
        self.run.log(dict(values), step=step, commit=True)
        self.num_sent += 1

    def end(self, exit_code: int) -> bool:
        """Ends the run, marked as failed unless the exit code is 0; returns whether the server has confirmed it."""
        try:
            self.run.finish(exit_code=exit_code)
        except TimeoutError:
            return False
        finally:
            self._lock.release()
        return True


def _number(text: str) -> float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _answers(server: str, seconds: float = 4.0) -> bool:
    """Whether there is an answer, whatever it says, through the proxy that the environment names."""
    answered = []

    def ask() -> None:
        try:
            build_opener().open(server, timeout=seconds).close()
        except HTTPError:
            pass
        except URLError as error:
            if not isinstance(error.reason, SSLError):  # W&B has certificates of its own
                return
        except (OSError, HTTPException, ValueError):
            return
        answered.append(True)

    asking = threading.Thread(target=ask, daemon=True)  # the look-up of a name cannot be given a limit
    asking.start()
    asking.join(seconds)
    return bool(answered)
