import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
from lightning.pytorch.utilities import rank_zero_only

from ..errors import UserError
from ..io import installed_version
from .metrics_file import MetricsFile
from .mlflow_session import MLflowSession
from .stored_values import numbers

log = logging.getLogger(__name__)


class MLflowRun(Logger):
    """Log to MLflow; a resumed run continues the same MLflow run, which is found by its tag `leyden.id`.

    The values are those of metrics.csv. If the server does not respond, missing values are sent at the end of the run,
    when it is resumed, or by `leyden sync`. Settings are parameters, by the names under which they are typed, and the artifact
    config.yaml; figures are artifacts in `plots/`. Unlike Lightning's MLFlowLogger, this sends neither user, program nor
    commit, and the run ends after its test, not before. MLflow's usage statistics are switched off.

    Args:
        save_dir: The run directory.
        id: Id of the run.
        name: Name of the run.
        experiment_name: MLflow experiment.
        tracking_uri: Address of a server, `sqlite:///FILE` or a folder.

    Raises:
        UserError: MLflow, or what it needs for a database, is not installed, or it refuses the run.
    """

    def __init__(self, save_dir: str, id: str, name: str, experiment_name: str, tracking_uri: str) -> None:
        if not installed_version("mlflow-skinny") and not installed_version("mlflow"):
            raise UserError("MLflow is not installed: install mlflow-skinny or mlflow (extra `mlflow`)")
        if tracking_uri[:7] == "sqlite:" and not (installed_version("sqlalchemy") and installed_version("alembic")):
            raise UserError("MLflow needs sqlalchemy and alembic for a database: install both (extra `mlflow`)")
        super().__init__()
        self.folder, self.identity = Path(save_dir), (id, name, experiment_name, tracking_uri)
        self.session: MLflowSession | None = None  # None while MLflow does not respond
        self.settings: dict[str, Any] = {}
        self.figures: list[str] = []  # files that have not been sent
        if rank_zero_only.rank == 0:  # pyrefly: ignore[missing-attribute]
            self._attempt(self._connect)

    @property
    def name(self) -> str:
        return self.identity[2]

    @property
    def version(self) -> str:
        return self.identity[0]

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The `mlflow.MlflowClient`, as of Lightning's logger; None while MLflow does not respond."""
        return self.session.client if self.session else None

    @property
    def run_id(self) -> str | None:
        """Id of the MLflow run; None while MLflow does not respond."""
        return self.session.run_id if self.session else None

    def _connect(self) -> None:
        self.session = MLflowSession(*self.identity)

    def _attempt(self, send: Callable[..., None], *arguments: Any) -> None:
        """Warn instead of failing if MLflow does not respond, and send nothing more until the end."""
        try:
            send(*arguments)
        except ConnectionError as error:
            self.session = None
            log.warning("%s: the rest will be sent at the end of the run", error)

    @rank_zero_only
    def log_hyperparams(self, params: Mapping[str, Any], *_: Any, **__: Any) -> None:
        """Send the settings of the run, which come first; those of `save_hyperparameters` are among them."""
        if self.settings:
            return
        self.settings = dict(params)
        if self.session:
            self._attempt(self.session.send_settings, self.settings)

    def catch_up(self, rows: list[dict[str, str]]) -> None:
        """Send the values before the resume point that MLflow does not have."""
        if self.session:
            self._attempt(self.session.send, map(numbers, rows))

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        if self.session:
            self._attempt(self.session.send, [(metrics, step or 0)])

    @rank_zero_only
    def log_image(self, key: str, images: list[str]) -> None:
        """Upload image files; one of the same name is replaced."""
        self.figures = [*dict.fromkeys([*self.figures, *images])]
        if self.session:
            self._attempt(self._send_figures, self.session)

    def _send_figures(self, session: MLflowSession) -> None:
        while self.figures:
            session.send_figure(self.figures[0])
            del self.figures[0]

    @rank_zero_only
    def finish(self, exit_code: int) -> None:
        """Send what is missing, and end the MLflow run: finished if the exit code is 0, else failed."""
        try:
            session = self.session or self._send_all()
            session.end(exit_code)
        except (ConnectionError, UserError) as error:
            log.warning("%s; upload the rest with: leyden sync %s", error, self.folder)

    def _send_all(self) -> MLflowSession:
        """Connect again and send what MLflow does not have."""
        session = MLflowSession(*self.identity)
        session.send_settings(self.settings)
        session.send(map(numbers, MetricsFile(self.folder / "metrics.csv").rows()))
        self._send_figures(session)
        return session
