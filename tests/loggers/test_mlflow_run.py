import logging
import socket
from pathlib import Path

import pytest
from training_calls import SETTINGS, figure, killed_after, rows, training

pytest.importorskip("mlflow")
pytest.importorskip("sqlalchemy")

from leyden.loggers.mlflow_run import MLflowRun
from leyden.loggers.mlflow_session import ENVIRONMENT


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["folder", pytest.param("sqlite", marks=pytest.mark.slow)])
def options(request, tmp_path):
    uri = f"sqlite:///{tmp_path}/runs/mlflow.db" if request.param == "sqlite" else f"{tmp_path}/runs/mlruns"
    (tmp_path / "runs").mkdir()
    return {"experiment_name": "some experiment", "tracking_uri": uri}


def read(options):
    """The MLflow client and the only run of the experiment."""
    from mlflow import MlflowClient

    client = MlflowClient(options["tracking_uri"])
    experiment = client.get_experiment_by_name(options["experiment_name"]).experiment_id
    (run,) = client.search_runs([experiment])
    return client, run


def losses(options):
    client, run = read(options)
    return sorted((value.step, value.value) for value in client.get_metric_history(run.info.run_id, "train/loss"))


def test_values_settings_figures_and_outcome(tmp_path, options):
    with training(MLflowRun, tmp_path, exit_code=1, **options) as log:
        log(0, 1, 2)
        log.logger.log_image("plots/curves", figure(tmp_path))
        assert read(options)[1].info.status == "RUNNING"
        assert log.logger.experiment.get_run(log.logger.run_id).info.run_name == "some/run"
    client, run = read(options)
    assert losses(options) == rows(3)
    assert run.data.params == {"seed": "7", "model.width": "3", "model.names": "['a', 'b']"}
    assert (run.info.run_name, run.info.status) == ("some/run", "FAILED")
    assert not {name for name in run.data.tags if name.startswith(("mlflow.user", "mlflow.source"))}
    assert [file.path for file in client.list_artifacts(run.info.run_id, "plots")] == ["plots/curves.png"]
    uploaded = client.download_artifacts(run.info.run_id, "config.yaml", str(tmp_path))
    assert "seed: 7" in Path(uploaded).read_text(encoding="utf-8")
    with training(MLflowRun, tmp_path, kept=2, **options) as log:
        log(2, 3)
    assert losses(options) == rows(4)
    assert read(options)[1].info.status == "FINISHED"


@pytest.mark.slow
def test_killed_run_has_each_value_once(tmp_path):
    options = {"experiment_name": "e", "tracking_uri": f"{tmp_path}/mlruns"}
    killed_after(MLflowRun, tmp_path, 20, **options)
    assert read(options)[1].info.status == "RUNNING"
    with training(MLflowRun, tmp_path, kept=15, **options) as log:
        log(*range(15, 25))
    assert losses(options) == rows(25)


def test_server_that_does_not_respond_costs_no_run(tmp_path, caplog):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with training(MLflowRun, tmp_path, experiment_name="e", tracking_uri=address) as log:
            log(0, 1)
    assert caplog.text.count(f"no connection to MLflow at {address}") == 2  # at the begin and at the end


def test_failure_in_mid_run_is_made_up_for_at_the_end(tmp_path, caplog):
    from mlflow.exceptions import MlflowException

    options = {"experiment_name": "e", "tracking_uri": f"{tmp_path}/mlruns"}
    with training(MLflowRun, tmp_path, **options) as log:
        log(0)

        def fail(*_, **__):
            raise MlflowException("gone")

        log.logger.experiment.log_batch = fail
        log(1, 2)
        log.logger.log_image("plots/curves", figure(tmp_path))
    assert caplog.text.count("MLflow does not respond") == 1
    assert losses(options) == rows(3)
    client, run = read(options)
    assert client.list_artifacts(run.info.run_id, "plots")


def test_changed_setting_of_a_resumed_run_is_reported(tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "leyden")
    options = {"experiment_name": "e", "tracking_uri": f"{tmp_path}/mlruns"}
    with training(MLflowRun, tmp_path, **options):
        pass
    for name, value in {"seed": 8, "new": 1}.items():
        monkeypatch.setitem(SETTINGS, name, value)
    with training(MLflowRun, tmp_path, **options):
        pass
    assert "MLflow cannot change the recorded value of seed" in caplog.text
    assert read(options)[1].data.params["new"] == "1"
