"""Upload of offline runs to a stand-in for the server."""

from argparse import Namespace

import pytest
import wandb
from matplotlib.image import imsave
from test_main import without_torch
from wandb_server import serve

from leyden.cli import sync as sync_module
from leyden.cli.sync import sync_runs
from leyden.errors import UserError
from leyden.loggers.metrics_file import MetricsFile
from leyden.loggers.mlflow_session import ENVIRONMENT
from leyden.run.directory import RunDirectory

WANDB = {"_target_": "here.WandbRun", "project": "p", "entity": None, "mode": "online", "log_model": False}


@pytest.fixture(autouse=True)
def its_own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    yield
    wandb.teardown()


@pytest.fixture
def server(monkeypatch):
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        yield server


def sync(runs):
    return sync_runs(Namespace(runs=[str(run.path) for run in runs]))


def offline_run(folder, num_rows=5, logger=WANDB):
    config = {"name": "some/run", "runs": "runs", "seed": 7, "logger": {"wandb": logger}}
    run = RunDirectory.create(config, folder, ["train"])
    log(run, range(num_rows))
    run.set_state("failed")
    return run


def log(run, steps):
    file = MetricsFile(run.path / "metrics.csv")
    for step in steps:
        file.append({"step": step, "loss": step / 2})


def received(server, run):
    return [(row["_step"], row["trainer/global_step"], row["loss"]) for row in server.runs[run.status["id"]]]


def rows(count):
    return [(step, step, step / 2) for step in range(count)]


@pytest.mark.slow
def test_missing_rows_are_uploaded_once(tmp_path, server, capsys):
    run = offline_run(tmp_path)
    assert sync([run]) == 0
    assert "5 rows sent" in capsys.readouterr().out
    assert received(server, run) == rows(5)
    assert '"seed":{"value":7}' in server.configs[run.status["id"]].replace(" ", "")
    assert server.exits[run.status["id"]] == 1
    assert sync([run]) == 0
    assert "up to date" in capsys.readouterr().out
    log(run, [5, 6])
    run.set_state("finished")
    for name in ("best", "last"):
        (run.path / "plots" / name).mkdir(parents=True)
        imsave(run.path / "plots" / name / "test_worst.png", [[0.0, 1.0]])
    assert sync([run]) == 0
    assert sync([run]) == 0
    *first, plots = server.runs[run.status["id"]]
    assert [row["loss"] for row in first] == [step / 2 for step in range(7)]
    assert "plots/test_worst" in plots
    assert server.exits[run.status["id"]] == 0


@pytest.mark.slow
def test_several_runs_without_torch(tmp_path, server):
    first, second = offline_run(tmp_path), offline_run(tmp_path, num_rows=2)
    text = without_torch("sync", str(first.path), str(second.path), code=0)
    assert text.count("rows sent") == 2
    assert received(server, first) == rows(5)
    assert received(server, second) == rows(2)


def test_unreachable_server(tmp_path, monkeypatch, capsys):
    with serve() as gone:
        monkeypatch.setenv("WANDB_BASE_URL", gone.address)
    assert sync([offline_run(tmp_path)]) == 1
    assert "no connection to" in capsys.readouterr().err


@pytest.mark.parametrize("refused", ["/graphql", "/file_stream"])
def test_server_that_refuses(tmp_path, server, capsys, refused):
    server.refuses = refused
    run = offline_run(tmp_path)
    assert sync([run]) == 1
    error = capsys.readouterr().err
    assert ("permission denied" if refused == "/graphql" else "did not store all rows") in error
    server.refuses = None
    assert sync([run]) == 0
    assert received(server, run) == rows(5)


@pytest.mark.slow
def test_connection_lost_during_upload(tmp_path, server, capsys, monkeypatch):
    monkeypatch.setattr(sync_module, "FINISH_SECONDS", 2.0)
    run = offline_run(tmp_path)
    server.breaks = "/file_stream"
    assert sync([run]) == 1
    assert "stopped responding" in capsys.readouterr().err
    server.breaks = None
    assert sync([run]) == 0
    assert received(server, run) == rows(5)


@pytest.mark.parametrize("logger", [None, {**WANDB, "mode": "disabled"}, {**WANDB, "_target_": "here.Other"}])
def test_run_without_wandb(tmp_path, logger):
    with pytest.raises(UserError, match="logs neither to Weights & Biases nor to MLflow"):
        sync([offline_run(tmp_path, logger=logger)])


def test_run_is_uploaded_to_mlflow(tmp_path, capsys, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    uri = f"{tmp_path}/mlruns"
    logger = {"_target_": "here.MLflowRun", "experiment_name": "e", "tracking_uri": "http://127.0.0.1:9"}
    run = offline_run(tmp_path, logger=logger)
    assert sync([run]) == 1
    assert "no connection to MLflow at http://127.0.0.1:9" in capsys.readouterr().err
    run = offline_run(tmp_path, logger={**logger, "tracking_uri": uri})
    assert sync([run]) == 0
    assert "5 values sent" in capsys.readouterr().out
    (run.path / "plots").mkdir()
    imsave(run.path / "plots" / "curves.png", [[0.0, 1.0]])
    run.set_state("finished")
    assert sync([run]) == 0
    assert "up to date" in capsys.readouterr().out
    client = mlflow.MlflowClient(uri)
    (stored,) = client.search_runs([client.get_experiment_by_name("e").experiment_id])
    history = client.get_metric_history(stored.info.run_id, "loss")
    assert sorted((value.step, value.value) for value in history) == [(step, step / 2) for step in range(5)]
    assert (stored.info.status, stored.data.params["seed"]) == ("FINISHED", "7")
    assert [file.path for file in client.list_artifacts(stored.info.run_id, "plots")] == ["plots/curves.png"]
    run.set_state("running", host="elsewhere")
    assert sync([run]) == 1
    assert "the run is being trained" in capsys.readouterr().err


def test_missing_run():
    assert "there is no run" in without_torch("sync", "no/such/run", code=2)
