import io
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
from lightning.pytorch.utilities import rank_zero_only

from ..errors import UserError
from ..io import installed_version
from .stored_values import StoredValues, numbers

log = logging.getLogger(__name__)


class TrackioRun(Logger):
    """Log to Trackio's local database: `trackio show` opens its dashboard. A resumed run continues the same Trackio run.

    The values are those of metrics.csv. A run that ends before its time is reported as an alert, since Trackio has no
    states. Use of the machine is not logged. Hugging Face's usage statistics are switched off; if you are logged in
    there, Trackio looks your name up. `TRACKIO_DIR` is another folder for the database, `TRACKIO_SPACE_ID` or
    `TRACKIO_SERVER_URL` a place to upload to, where values that have arrived before a kill may be sent twice.

    Args:
        save_dir: The run directory.
        id: Id of the run, which is part of its name.
        name: Name of the run.
        project: Trackio project.
        group: Group of runs, such as those of a study.

    Raises:
        UserError: trackio is not installed.
    """

    def __init__(self, save_dir: str, id: str, name: str, project: str, group: str | None = None) -> None:
        if not installed_version("trackio"):
            raise UserError("Trackio is not installed: install trackio (extra `trackio`)")
        super().__init__()
        self.folder, self.id, self.run_name, self.project, self.group = save_dir, id, name, project, group
        self.settings: dict[str, Any] = {}
        self.run: Any = None
        self.stored, self.step = StoredValues(), 0

    @property
    def name(self) -> str:
        return self.project

    @property
    def version(self) -> str:
        return self.id

    @property
    def save_dir(self) -> str:
        return self.folder

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The `trackio.Run`."""
        if self.run is None:
            os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
            with _quiet():
                import trackio
                from trackio.sqlite_storage import SQLiteStorage

                rows = SQLiteStorage.get_logs(self.project, self.run_name)
                self.stored = StoredValues((name, row["step"]) for row in rows for name in row)
                self.run = trackio.init(
                    self.project,
                    name=self.run_name,
                    group=self.group,
                    config=self.settings,
                    resume="allow",
                    embed=False,
                    auto_log_cpu=False,
                    auto_log_gpu=False,
                )
        return self.run

    @rank_zero_only
    def log_hyperparams(self, params: Mapping[str, Any], *_: Any, **__: Any) -> None:
        """Log the settings of the run, which come first; those of `save_hyperparameters` are among them."""
        self.settings = self.settings or dict(params)
        _ = self.experiment

    def catch_up(self, rows: list[dict[str, str]]) -> None:
        """Log the rows before the resume point that Trackio does not have."""
        for row in rows:
            self.log_metrics(*numbers(row))

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.step, run = step or 0, self.experiment
        if missing := self.stored.missing(metrics, self.step):
            run.log(missing, step=self.step)

    @rank_zero_only
    def log_image(self, key: str, images: list[str]) -> None:
        """Log image files at the last step."""
        import trackio

        run = self.experiment
        for path in images if self.stored.missing({key: None}, self.step) else ():
            run.log({key: trackio.Image(path)}, step=self.step)

    @rank_zero_only
    def finish(self, exit_code: int) -> None:
        """Write what is queued, and an alert unless the exit code is 0."""
        import trackio

        run = self.experiment
        with _quiet():
            if exit_code:
                run.alert("The run failed or was stopped", f"step {self.step}", trackio.AlertLevel.ERROR)
            trackio.finish()


@contextmanager
def _quiet() -> Iterator[None]:
    """Log what Trackio prints, at the level debug: standard output is for results."""
    output = io.StringIO()
    try:
        with redirect_stdout(output):
            yield
    finally:
        log.debug("%s", output.getvalue().strip())
