"""Connect to Weights & Biases with short timeouts, and send the rows of metrics.csv. Torch-free."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import wandb
from filelock import FileLock, Timeout

from ..errors import UserError
from .sent_rows import SentRows
from .server import responds

INIT_SECONDS = 20.0
# Do not upload terminal output, the command line, local paths, the address of the repository or code.
PRIVACY_SETTINGS = {"console": "off", "x_disable_meta": True, "disable_git": True, "save_code": False}


class WandbSession:
    """A new or continued W&B run with the rows of metrics.csv.

    The server reports how many rows it has, and `SentRows` records which. So each row is sent once, by the training, a
    resumed training or `leyden sync`. `wandb sync` cannot replace this: it may append rows twice, and its file is empty
    if the process was killed.

    Args:
        folder: The run directory.
        id: Id of the run.
        name: Name of the run.
        project: W&B project.
        entity: User or team; None for the user's default.
        labels: `group`, `job_type`, `tags` and `notes` of the run, all optional.
        **settings: Fields of `wandb.Settings`.

    Raises:
        ConnectionError: The server does not respond, or another process uploads the run.
        UserError: The server refuses the run, for example without a login.
    """

    def __init__(
        self,
        folder: Path,
        id: str,
        name: str,
        project: str,
        entity: str | None = None,
        labels: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        server = wandb.setup().settings.base_url
        if not responds(server):
            raise ConnectionError(f"no connection to {server}")
        self._lock = FileLock(folder / ".wandb.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ConnectionError("another process is uploading this run") from None
        identity: dict[str, Any] = {"id": id, "name": name, "project": project, "entity": entity, **(labels or {})}
        limits: dict[str, Any] = {"init_timeout": INIT_SECONDS, "finish_timeout_raises": True, "silent": True}
        limits |= PRIVACY_SETTINGS
        try:
            self.run = wandb.init(
                **identity,
                dir=str(folder),
                resume="allow",
                settings=wandb.Settings(**limits | settings),
            )
        except wandb.errors.Error as error:
            self._lock.release()
            wandb.teardown()  # otherwise the next run in this process inherits the failed state
            if isinstance(error, wandb.errors.CommError) and not re.search(r"error 4\d\d", str(error)):
                raise ConnectionError(f"{server} does not respond: {error}") from error
            raise UserError(
                f"Weights & Biases refused the run: {error}\nLog in with `wandb login`, or set logger.wandb.mode=offline"
            ) from error
        self.run.define_metric("trainer/global_step")
        self.run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
        self.rows = SentRows(folder / ".wandb-rows", received=self.run.starting_step)
        self.num_sent = 0  # in this session

    def send(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Send the rows of metrics.csv, given from the first one, that the server does not have."""
        for row in rows:
            self.log({name: _number(value) for name, value in row.items() if value})

    def log(self, row: Mapping[str, Any], media: Mapping[str, Any] | None = None) -> None:
        """Send the next row, with its `step` and media, unless the server has it."""
        step = self.rows.next_step
        if not self.rows.has(row):
            values = {name: value for name, value in row.items() if name != "step"}
            self._log(step, {"trainer/global_step": row["step"], **values, **(media or {})})

    def log_media(self, media: Mapping[str, Any]) -> None:
        """Send the plots of the test after all rows, unless the server has plots."""
        step = self.rows.next_step
        if not self.rows.has({"step": "media"}):
            self._log(step, media)

    def _log(self, step: int, values: Mapping[str, Any]) -> None:
        self.run.log(dict(values), step=step, commit=True)
        self.num_sent += 1

    def end(self, exit_code: int) -> bool:
        """Finish the run, marked as failed unless the exit code is 0; return whether the server has confirmed it."""
        try:
            self.run.finish(exit_code=exit_code)
        except TimeoutError:
            return False
        finally:
            self._lock.release()
        return True


def _number(text: str) -> float:
    return int(text) if text.lstrip("-").isdigit() else float(text)
