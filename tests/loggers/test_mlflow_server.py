"""A real `mlflow server`, which takes runs in over HTTP, is stopped and started again."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from training_calls import figure, rows, training

pytest.importorskip("mlflow")

from leyden.errors import UserError
from leyden.loggers.mlflow_run import MLflowRun
from leyden.loggers.mlflow_session import ENVIRONMENT
from leyden.loggers.server import responds


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


class Server:
    """`mlflow server` with its database and artifacts in a folder, by default on a free port."""

    def __init__(self, folder):
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"

    def start(self):
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        known = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "server.log").open("a") as log:
            self.process = subprocess.Popen(command, env=known, stdout=log, stderr=log, start_new_session=True)
        while not responds(f"{self.address}/health"):
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            time.sleep(0.1)

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # it has children
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    pytest.importorskip("flask")  # the skinny package leaves out what a server needs
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def options(server, tmp_path):
    return {"experiment_name": tmp_path.name, "tracking_uri": server.address}


def read(options):
    """The MLflow client, the only run of the experiment and its losses by step."""
    from mlflow import MlflowClient

    client = MlflowClient(options["tracking_uri"])
    (run,) = client.search_runs([client.get_experiment_by_name(options["experiment_name"]).experiment_id])
    history = client.get_metric_history(run.info.run_id, "train/loss")
    return client, run, sorted((value.step, value.value) for value in history)


@pytest.mark.slow
def test_server_takes_values_settings_figures_and_outcome(tmp_path, options):
    with training(MLflowRun, tmp_path, exit_code=1, **options) as log:
        log(*range(5))
        log.logger.log_image("plots/curves", figure(tmp_path))
        assert read(options)[1].info.status == "RUNNING"
    client, run, losses = read(options)
    assert losses == rows(5)
    assert run.data.params == {"seed": "7", "model.width": "3", "model.names": "['a', 'b']"}
    assert (run.info.run_name, run.info.status) == ("some/run", "FAILED")
    assert not {name for name in run.data.tags if name.startswith(("mlflow.user", "mlflow.source"))}
    downloaded = Path(client.download_artifacts(run.info.run_id, "plots/curves.png", str(tmp_path)))
    assert downloaded.read_bytes() == (tmp_path / "curves.png").read_bytes()
    settings = Path(client.download_artifacts(run.info.run_id, "config.yaml", str(tmp_path)))
    assert "seed: 7" in settings.read_text(encoding="utf-8")
    with training(MLflowRun, tmp_path, kept=3, **options) as log:
        log(*range(3, 8))
    _, resumed, losses = read(options)
    assert losses == rows(8)
    assert (resumed.info.run_id, resumed.info.status) == (run.info.run_id, "FINISHED")


@pytest.mark.slow
def test_server_that_is_away_gets_the_rest_at_the_end_or_from_the_resumed_run(tmp_path, server, options, caplog):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    with training(MLflowRun, first, **options) as log:
        log(0, 1)
        server.kill()
        log(*range(2, 50))
        log.logger.log_image("plots/curves", figure(tmp_path))
    later = "the rest will be sent at the end of the run"
    no_connection = f"no connection to MLflow at {server.address}: "
    assert [record.message for record in caplog.records] == [
        f"MLflow does not respond (Connection refused): {later}",
        f"no connection to MLflow at {server.address}; upload the rest with: leyden sync {first}",
    ]
    caplog.clear()
    second.mkdir()
    with training(MLflowRun, second, **options | {"experiment_name": "second"}) as log:
        log(*range(5))
        log.logger.log_image("plots/curves", figure(tmp_path))
        server.start()
    assert [record.message for record in caplog.records] == [f"{no_connection}{later}"]
    client, run, losses = read({**options, "experiment_name": "second"})
    assert losses == rows(5)
    assert (run.info.status, run.data.params["seed"]) == ("FINISHED", "7")
    assert [file.path for file in client.list_artifacts(run.info.run_id, "plots")] == ["plots/curves.png"]
    _, run, losses = read(options)
    assert (run.info.status, losses) == ("RUNNING", rows(2))
    with training(MLflowRun, first, kept=50, **options) as log:
        log(50)
    _, run, losses = read(options)
    assert (run.info.status, losses) == ("FINISHED", rows(51))


@contextmanager
def answering(status, body):
    """A server with one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self.do_POST()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, b"Permission denied", "failed with error code 403 != 200"),
        (404, b'{"error_code": "ENDPOINT_NOT_FOUND", "message": "no such path"}', "ENDPOINT_NOT_FOUND: no such path"),
        (200, b"<html>\n" + 99 * b"<p>a notebook</p>\n", "the response body was not in a valid JSON format"),
    ],
)
def test_refused_run_is_one_sentence(tmp_path, status, body, reason):
    with answering(status, body) as address:
        secret = address.replace("//", "//me:pass@")  # is not in the message
        with pytest.raises(UserError) as error:
            MLflowRun(save_dir=str(tmp_path), id="abc", name="n", experiment_name="e", tracking_uri=secret)
    message = str(error.value)
    assert message.startswith(f"MLflow at {address} refused the run: ")
    assert message.endswith(f"{reason}; check logger.mlflow.tracking_uri")
    assert "\n" not in message


def test_broken_server_costs_no_run(tmp_path, caplog, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with (
        answering(503, b"") as address,
        training(MLflowRun, tmp_path, experiment_name="e", tracking_uri=address) as log,
    ):
        log(0, 1)
    first, last = (record.message for record in caplog.records)
    why = f"MLflow at {address} does not respond (too many 503 error responses)"
    assert first == f"{why}: the rest will be sent at the end of the run"
    assert last == f"{why}; upload the rest with: leyden sync {tmp_path}"


def test_address_with_a_password_is_reached():
    with answering(200, b"{}") as address:
        assert responds(address.replace("//", "//me:pass@"))
