import logging
import os
import re
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
from lightning.pytorch.utilities import rank_zero_only

from ..errors import UserError
from ..io import installed_version
from .metrics_file import MetricsFile
from .server import responds
from .stored_values import StoredValues, flat, numbers

log = logging.getLogger(__name__)

ID_TAG = "leyden.id"
LOCAL_ARTIFACTS = "mlartifacts"  # a folder beside a local database
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ALLOW_FILE_STORE": "true",  # a folder is used only if tracking_uri names it
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # the training waits for them; MLflow's own 7 take minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
BATCH, PARAMETERS, MAX_LENGTH = 1000, 100, 500  # MLflow's limits: values, parameters, characters of a parameter


class MLflowRun(Logger):
    """Log to MLflow; a resumed run continues the same MLflow run, which is found by its tag `leyden.id`.

    The values are those of metrics.csv. What a server that does not respond lacks is sent at the end of the run, or when
    it is resumed. Settings are parameters, by the names under which they are typed, and the artifact config.yaml;
    figures are artifacts in `plots/`. Unlike Lightning's MLFlowLogger, this sends neither user, program nor commit, and
    the run ends after its test, not before. MLflow's usage statistics are switched off.

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
        self.folder, self.id, self.run_name = Path(save_dir), id, name
        self.experiment_name, self.uri = experiment_name, tracking_uri
        self.run_id: str | None = None  # None while MLflow does not respond
        self.stored = StoredValues()
        self.settings: dict[str, Any] = {}
        self.figures: dict[str, str] = {}  # file -> folder of artifacts; those that have not been sent
        if rank_zero_only.rank == 0:  # pyrefly: ignore[missing-attribute]
            self._begin()

    @property
    def name(self) -> str:
        return self.experiment_name

    @property
    def version(self) -> str:
        return self.id

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The `mlflow.MlflowClient`; the run is `run_id`."""
        return self.client

    def _begin(self) -> None:
        """Find or create the MLflow run, unless its server does not respond."""
        for variable, value in ENVIRONMENT.items():
            os.environ.setdefault(variable, value)
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        if urlsplit(self.uri).scheme in ("http", "https") and not responds(self.uri):
            log.warning("no connection to the MLflow server: the run will be sent at its end, or when it is resumed")
            return
        try:
            self.client = MlflowClient(self.uri)
            self.run_id = self._find_run()
            self.stored = StoredValues(self._values(self.run_id))
        except MlflowException as error:
            raise UserError(f"MLflow refused the run: {error}; check logger.mlflow.tracking_uri") from error

    def _find_run(self) -> str:
        experiment = self._find_experiment()
        if runs := self.client.search_runs([experiment], f"tags.`{ID_TAG}` = '{self.id}'", max_results=1):
            self.client.update_run(runs[0].info.run_id, status="RUNNING")
            return runs[0].info.run_id
        return self.client.create_run(experiment, tags={ID_TAG: self.id}, run_name=self.run_name).info.run_id

    def _find_experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        find, name = self.client.get_experiment_by_name, self.experiment_name
        if not (experiment := find(name)):
            local = self.uri.startswith("sqlite:///")
            folder = Path(self.uri.removeprefix("sqlite:///")).absolute().with_name(LOCAL_ARTIFACTS)
            try:
                return self.client.create_experiment(name, folder.as_uri() if local else None)
            except MlflowException:
                if not (experiment := find(name)):  # unless another run has created it meanwhile
                    raise
        return experiment.experiment_id

    def _values(self, run_id: str) -> Iterator[tuple[str, int]]:
        """Yield name and step of all values that MLflow has."""
        for name in self.client.get_run(run_id).data.metrics:
            yield from ((name, metric.step) for metric in self.client.get_metric_history(run_id, name))

    @contextmanager
    def _sending(self) -> Iterator[None]:
        """Warn instead of failing if MLflow stops to respond, and send nothing more until the end."""
        from mlflow.exceptions import MlflowException

        try:
            yield
        except (MlflowException, OSError) as error:
            self.run_id = None
            reason = str(error).partition("\n")[0][:200]
            log.warning(
                "MLflow does not respond: the rest will be sent at the end of the run, or when it is resumed: %s",
                reason,
            )

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        self.settings = params if isinstance(params, dict) else vars(params)
        if self.run_id:
            with self._sending():
                self._send_settings(self.run_id)

    def _send_settings(self, run_id: str) -> None:
        from mlflow.entities import Param

        self.client.log_text(run_id, yaml.safe_dump(self.settings, sort_keys=False, allow_unicode=True), "config.yaml")
        stored = self.client.get_run(run_id).data.params
        settings = {_clean(name): str(value)[:MAX_LENGTH] for name, value in flat(self.settings).items()}
        new = [Param(name, value) for name, value in settings.items() if name not in stored]
        for start in range(0, len(new), PARAMETERS):
            self.client.log_batch(run_id, params=new[start : start + PARAMETERS])
        if changed := [name for name in settings.keys() & stored.keys() if stored[name] != settings[name]]:
            log.info(
                "MLflow cannot change the recorded value of %s; the artifact config.yaml has the new one",
                ", ".join(sorted(changed)),
            )

    def catch_up(self, rows: list[dict[str, str]]) -> None:
        """Send the values before the resume point that MLflow does not have."""
        self._send(map(numbers, rows))

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self._send([(metrics, step or 0)])

    def _send(self, rows: Iterable[tuple[Mapping[str, float], int]]) -> None:
        from mlflow.entities import Metric

        if not self.run_id:
            return
        now, values = int(time.time() * 1000), []
        for metrics, step in rows:
            missing = self.stored.missing({_clean(name): value for name, value in metrics.items()}, step)
            values += [Metric(name, float(value), now, step) for name, value in missing.items()]
        with self._sending():
            for start in range(0, len(values), BATCH):
                self.client.log_batch(self.run_id, metrics=values[start : start + BATCH])

    @rank_zero_only
    def log_image(self, key: str, images: list[str]) -> None:
        """Upload image files; one of the same name is replaced."""
        self.figures |= dict.fromkeys(images, key.rpartition("/")[0])
        self._send_figures()

    def _send_figures(self) -> None:
        if self.run_id:
            with self._sending():
                for path, folder in list(self.figures.items()):
                    self.client.log_artifact(self.run_id, path, folder or None)
                    del self.figures[path]

    @rank_zero_only
    def finish(self, exit_code: int) -> None:
        """Send what is missing, and end the MLflow run: finished if the exit code is 0, else failed."""
        if not self.run_id:
            self._send_all()
        if self.run_id:
            with self._sending():
                self.client.set_terminated(self.run_id, "FAILED" if exit_code else "FINISHED")

    def _send_all(self) -> None:
        """Connect again and send what MLflow does not have."""
        try:
            self._begin()
        except UserError as error:
            log.warning("%s", error)
        if self.run_id:
            self.log_hyperparams(self.settings)
            self.catch_up(MetricsFile(self.folder / "metrics.csv").rows())
            self._send_figures()


def _clean(name: str) -> str:
    """Replace the characters that MLflow does not allow in names."""
    return re.sub(r"[^\w/. :-]", "_", name)
