import json
import socket

import pytest
import wandb
import wandb_file
from wandb_server import serve

from leyden.errors import UserError
from leyden.loggers.wandb_run import WandbRun


@pytest.fixture(autouse=True)
def its_own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    yield
    wandb.teardown()  # also where a test fails: it keeps the server's address of its first use


def logged(folder, steps, **options):
    logger = WandbRun(save_dir=str(folder), id="abc", name="some/run", project="p", **options)
    logger.log_hyperparams({"seed": 7, "model": {"width": 3}})
    for step in steps:
        logger.log_metrics({"loss": step / 2}, step)
    logger.finish(0)
    wandb.teardown()  # as at the end of a process: the file is complete only then


def test_offline_rows_are_read_back(tmp_path):
    logged(tmp_path, range(5), mode="offline")
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    assert file.name == "run-abc.wandb"
    rows = wandb_file.history(file)
    assert [(row["trainer/global_step"], row["loss"]) for row in rows] == [(n, n / 2) for n in range(5)]
    assert wandb_file.config(file)["model"] == {"width": 3}


def test_a_server_receives_the_rows_and_a_resumed_run_appends(tmp_path, monkeypatch):
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        logged(tmp_path, range(3))
        assert server.exits["abc"] == 0
        logged(tmp_path, range(3, 5))
    assert list(server.runs) == ["abc"]
    assert [row["loss"] for row in server.runs["abc"]] == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert json.loads(server.configs["abc"])["seed"]["value"] == 7


def test_without_a_connection_the_run_stays_offline(tmp_path, monkeypatch, caplog):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        logged(tmp_path, range(2))
    assert "W&B stays offline; upload with: wandb sync" in caplog.text
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    assert len(wandb_file.history(file)) == 2


def test_disabled_writes_nothing(tmp_path):
    logged(tmp_path, range(2), mode="disabled")
    assert not list(tmp_path.glob("wandb/**/*.wandb"))


def test_without_a_login_the_way_out_is_said(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY")
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        with pytest.raises(UserError, match=r"wandb login.*mode=offline"):
            logged(tmp_path, range(1))
