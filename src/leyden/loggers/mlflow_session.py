"""Find or create an MLflow run, and send the missing values of a run directory. Torch-free."""

import logging
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from ..errors import UserError
from .server import responds, without_password
from .stored_values import StoredValues, flat

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


class MLflowSession:
    """A new or continued MLflow run, which is found by its tag `leyden.id`.

    All methods raise a ConnectionError if MLflow stops responding.

    Args:
        id: Id of the run.
        name: Name of the run.
        experiment_name: MLflow experiment.
        tracking_uri: Address of a server, `sqlite:///FILE` or a folder.

    Raises:
        ConnectionError: The server does not respond.
        UserError: MLflow refuses the run.
    """

    def __init__(self, id: str, name: str, experiment_name: str, tracking_uri: str) -> None:
        for variable, value in ENVIRONMENT.items():
            os.environ.setdefault(variable, value)
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # it reports each retry
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        self.id, self.name, self.experiment_name, self.uri = id, name, experiment_name, tracking_uri
        shown = without_password(tracking_uri)
        if urlsplit(self.uri).scheme in ("http", "https") and not responds(self.uri):
            raise ConnectionError(f"no connection to MLflow at {shown}")
        try:
            self.client = MlflowClient(self.uri)
            self.run_id = self._find_run()
            self.stored = StoredValues(self._values())
        except MlflowException as error:
            if re.search("failed with (timeout )?exception", str(error)):
                raise ConnectionError(f"MLflow at {shown} does not respond ({_reason(error)})") from error
            raise UserError(
                f"MLflow at {shown} refused the run: {_reason(error)}; check logger.mlflow.tracking_uri"
            ) from error
        self.num_sent = 0  # in this session

    def _find_run(self) -> str:
        experiment = self._find_experiment()
        if runs := self.client.search_runs([experiment], f"tags.`{ID_TAG}` = '{self.id}'", max_results=1):
            self.client.update_run(runs[0].info.run_id, status="RUNNING")
            return runs[0].info.run_id
        return self.client.create_run(experiment, tags={ID_TAG: self.id}, run_name=self.name).info.run_id

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

    def _values(self) -> Iterator[tuple[str, int]]:
        """Yield name and step of all values that MLflow has."""
        for name in self.client.get_run(self.run_id).data.metrics:
            yield from ((name, metric.step) for metric in self.client.get_metric_history(self.run_id, name))

    def send_settings(self, settings: Mapping[str, Any]) -> None:
        """Send settings as the artifact config.yaml and as parameters, of which MLflow keeps the first values."""
        from mlflow.entities import Param

        text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
        plain = {_clean(name): str(value)[:MAX_LENGTH] for name, value in flat(settings).items()}
        with _sending():
            self.client.log_text(self.run_id, text, "config.yaml")
            stored = self.client.get_run(self.run_id).data.params
            new = [Param(name, value) for name, value in plain.items() if name not in stored]
            for start in range(0, len(new), PARAMETERS):
                self.client.log_batch(self.run_id, params=new[start : start + PARAMETERS])
        if changed := [name for name in plain.keys() & stored.keys() if stored[name] != plain[name]]:
            log.info(
                "MLflow cannot change the recorded value of %s; the artifact config.yaml has the new one",
                ", ".join(sorted(changed)),
            )

    def send(self, rows: Iterable[tuple[Mapping[str, float], int]]) -> None:
        """Send the values of rows that MLflow does not have. Must be called once for each row, from the first one.

        Args:
            rows: Metrics and step of each row.
        """
        from mlflow.entities import Metric

        now, values = int(time.time() * 1000), []
        for metrics, step in rows:
            missing = self.stored.missing({_clean(name): value for name, value in metrics.items()}, step)
            values += [Metric(name, float(value), now, step) for name, value in missing.items()]
        with _sending():
            for start in range(0, len(values), BATCH):
                self.client.log_batch(self.run_id, metrics=values[start : start + BATCH])
        self.num_sent += len(values)

    def send_figure(self, path: str) -> None:
        """Upload an image file; one of the same name is replaced."""
        with _sending():
            self.client.log_artifact(self.run_id, path, "plots")

    def end(self, exit_code: int) -> None:
        """End the MLflow run: finished if the exit code is 0, else failed."""
        with _sending():
            self.client.set_terminated(self.run_id, "FAILED" if exit_code else "FINISHED")


@contextmanager
def _sending() -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        raise ConnectionError(f"MLflow does not respond ({_reason(error)})") from error


def _clean(name: str) -> str:
    """Replace the characters that MLflow does not allow in names."""
    return re.sub(r"[^\w/. :-]", "_", name)


def _reason(error: Exception) -> str:
    """Shorten a message of MLflow's client, which repeats addresses and responses."""
    text = str(error)
    known = re.search(r"too many \d+ error responses|timed out|Connection refused|Connection aborted", text)
    return known[0] if known else re.split(r"\n|\. Response body", text)[0][:200]
