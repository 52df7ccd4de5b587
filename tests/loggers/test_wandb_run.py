import json
import logging
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import wandb
from wandb_server import serve

from leyden.errors import UserError
from leyden.loggers import wandb_run, wandb_session
from leyden.loggers.metrics_file import MetricsFile
from leyden.loggers.wandb_run import WandbRun


@pytest.fixture(autouse=True)
def its_own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    yield
    wandb.teardown()  # also where a test fails: it keeps the server's address of its first use


@contextmanager
def training(folder, kept=0, exit_code=0, **options):
    """Call loggers as a training does, starting after some rows."""
    file = MetricsFile(folder / "metrics.csv")
    file.truncate(kept)
    logger = WandbRun(save_dir=str(folder), id="abc", name="some/run", project="p", **options)
    logger.log_hyperparams({"seed": 7, "model": {"width": 3}})
    logger.catch_up(file.rows())

    def log(*steps):
        for step in steps:
            file.append({"step": step, "loss": step / 2})
            logger.log_metrics({"loss": step / 2}, step)

    log.logger = logger
    yield log
    logger.finish(exit_code)
    wandb.teardown()


def received(server, run="abc"):
    return [(row["_step"], row["trainer/global_step"], row["loss"]) for row in server.runs[run] if "loss" in row]


def rows(count):
    return [(step, step, step / 2) for step in range(count)]


@contextmanager
def unreachable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


@contextmanager
def silent():
    """Accept connections without responding."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.slow
def test_server_receives_rows_and_resumed_run_appends(tmp_path, monkeypatch):
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        with training(tmp_path) as log:
            log(0, 1, 2)
        assert server.exits["abc"] == 0
        with training(tmp_path, kept=3, exit_code=1) as log:
            log(3, 4)
    assert list(server.runs) == ["abc"]
    assert received(server) == rows(5)
    assert server.exits["abc"] == 1
    assert json.loads(server.configs["abc"])["seed"]["value"] == 7


@pytest.mark.slow
@pytest.mark.parametrize(("exit_code", "is_preempted"), [(75, True), (1, False)])
def test_preempted_run_is_marked(tmp_path, monkeypatch, exit_code, is_preempted):
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        with training(tmp_path, exit_code=exit_code) as log:
            log(0, 1)
        assert server.preempted == ["abc"] * is_preempted
        assert server.exits["abc"] == exit_code
        with training(tmp_path, kept=2) as log:
            log(2)
    assert received(server) == rows(3)
    assert server.exits["abc"] == 0


def test_no_local_data_is_uploaded(tmp_path, monkeypatch):
    folder = tmp_path / "place-of-this-machine"
    folder.mkdir()
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        monkeypatch.setattr(sys, "argv", [str(folder / "program"), "data.root=s3cr3t"])
        with training(folder) as log:
            print(f"run              {folder}")
            log(0, 1)
    sent = b"\n".join(server.bodies)
    assert received(server) == rows(2)
    for words in (folder.name, "s3cr3t", sys.executable, str(Path.cwd()), "place-of-this-machine"):
        assert words.encode() not in sent, words


@pytest.mark.slow
@pytest.mark.parametrize("place", [unreachable, silent])
def test_training_starts_without_server_response(tmp_path, monkeypatch, caplog, place):
    with place() as address:
        monkeypatch.setenv("WANDB_BASE_URL", address)
        begin = time.monotonic()
        with training(tmp_path) as log:
            assert time.monotonic() - begin < 8
            log(0, 1)
    assert "W&B stays offline; upload with:" in caplog.text
    assert f"sync {tmp_path}" in caplog.text
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        with training(tmp_path, kept=2) as log:
            log(2)
    assert received(server) == rows(3)


@pytest.mark.slow
def test_server_that_stops_responding(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(wandb_session, "INIT_SECONDS", 3.0)
    monkeypatch.setattr(wandb_session, "responds", lambda server: True)
    with silent() as address:
        monkeypatch.setenv("WANDB_BASE_URL", address)
        begin = time.monotonic()
        with training(tmp_path) as log:
            assert time.monotonic() - begin < 15
            log(0)
    assert "does not respond" in caplog.text


@pytest.mark.slow
def test_connection_lost_in_mid_run(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(wandb_run, "FINISH_SECONDS", 2.0)
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        session = training(tmp_path)
        log = session.__enter__()
        log(0, 1)
    begin = time.monotonic()
    log(*range(2, 200))
    assert time.monotonic() - begin < 2
    session.__exit__(None, None, None)
    assert time.monotonic() - begin < 10
    assert "the upload is incomplete" in caplog.text
    with serve() as again:
        again.runs, again.configs = server.runs, server.configs
        monkeypatch.setenv("WANDB_BASE_URL", again.address)
        with training(tmp_path, kept=200) as log:
            log(200)
    assert received(again) == rows(201)


KILLED = """
import sys, time
from pathlib import Path
from {package}.loggers.metrics_file import MetricsFile
from {package}.loggers.wandb_session import WandbSession
folder, file = Path(sys.argv[1]), MetricsFile(Path(sys.argv[1], "metrics.csv"))
try:
    session = WandbSession(folder, id="abc", name="n", project="p")
except ConnectionError:
    session = None
for step in range(int(sys.argv[2]), int(sys.argv[3])):
    file.append({{"step": step, "loss": step / 2}})
if session:
    session.send(file.rows())
print("logged", flush=True)
time.sleep(60)
"""


def kill_after_logging(folder, first, end, arrived=lambda: True):
    code = KILLED.format(package=WandbRun.__module__.partition(".")[0])
    words = [sys.executable, "-c", code, str(folder), str(first), str(end)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout.readline() == "logged\n"
        deadline = time.monotonic() + 60
        while not arrived() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.kill()


@pytest.mark.slow
def test_rows_are_unique_after_online_offline_online(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB__FILE_STREAM_TRANSMIT_INTERVAL", "1")
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        kill_after_logging(tmp_path, 0, 6, arrived=lambda: len(server.runs.get("abc", [])) == 6)
        assert received(server) == rows(6)
    with unreachable() as address:  # from a checkpoint at step 3: 4 and 5 are logged again
        monkeypatch.setenv("WANDB_BASE_URL", address)
        MetricsFile(tmp_path / "metrics.csv").truncate(4)
        kill_after_logging(tmp_path, 4, 9)
    with serve() as again:
        again.runs, again.configs = server.runs, server.configs
        monkeypatch.setenv("WANDB_BASE_URL", again.address)
        with training(tmp_path, kept=8) as log:
            log(8, 9)
    assert received(again) == rows(10)


@pytest.mark.slow
def test_rows_are_complete_after_early_kill(tmp_path, monkeypatch):
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        kill_after_logging(tmp_path, 0, 6)
        with training(tmp_path, kept=4) as log:
            log(4, 5, 6)
    assert received(server) == rows(7)


def test_rows_logged_in_another_order_are_unique(tmp_path, monkeypatch):
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        with training(tmp_path, exit_code=1) as log:
            log(*range(6))  # all of them arrive
        with training(tmp_path, kept=3) as log:  # from a checkpoint after the third one
            file = MetricsFile(tmp_path / "metrics.csv")
            file.append({"step": 3, "validation": 0.5})
            log.logger.log_metrics({"validation": 0.5}, 3)
            log(*range(3, 8))
    held = server.runs["abc"]
    assert sorted(row["trainer/global_step"] for row in held if "loss" in row) == list(range(8))
    assert [row["trainer/global_step"] for row in held if "validation" in row] == [3]
    assert [row["_step"] for row in held] == list(range(9))


def test_row_is_logged_as_read_back(tmp_path, monkeypatch):
    values = {"step": 3, "epoch": 1, "loss": 1e-17, "none": float("nan"), "much": float("inf"), "minus": -2}
    MetricsFile(tmp_path / "metrics.csv").append(values)
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        with training(tmp_path, kept=1) as log:
            log.logger.log_metrics({name: value for name, value in values.items() if name != "step"}, 3)
    first, second = server.runs["abc"]
    assert {"_step", "trainer/global_step", *values} - {"step"} <= first.keys()
    for name in first.keys() - {"_step", "_timestamp", "_runtime"}:
        assert str(first[name]) == str(second[name])


def test_plots_of_the_test_follow_the_last_row(tmp_path, monkeypatch):
    from matplotlib.image import imsave

    imsave(tmp_path / "plot.png", [[0.0, 1.0]])
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        with training(tmp_path) as log:
            log(0, 1)
            log.logger.log_image("plots/a", [str(tmp_path / "plot.png")])
            log.logger.log_image("plots/b", [str(tmp_path / "plot.png")])
    assert received(server) == rows(2)
    assert server.runs["abc"][-1].keys() >= {"plots/a", "plots/b"}
    assert server.runs["abc"][-1]["_step"] == 2


def test_only_one_process_uploads_a_run(tmp_path, monkeypatch, caplog):
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        with training(tmp_path) as log:
            log(0)
            WandbRun(save_dir=str(tmp_path), id="abc", name="some/run", project="p")
            assert "another process is uploading this run: W&B stays offline" in caplog.text
    assert received(server) == rows(1)


@pytest.mark.parametrize("mode", ["offline", "disabled"])
def test_offline_modes_do_not_connect(tmp_path, monkeypatch, caplog, mode):
    caplog.set_level(logging.INFO)
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        with training(tmp_path, mode=mode) as log:
            log(0, 1)
            log.logger.experiment.config.update({"more": 1})
    assert not server.runs
    assert not list(tmp_path.glob("wandb/**/*.wandb"))
    assert (f"sync {tmp_path}" in caplog.text) == (mode == "offline")


def test_missing_login_is_reported(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY")
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        with pytest.raises(UserError, match=r"wandb login.*mode=offline"), training(tmp_path):
            pass


def test_forbidden_request_is_a_user_error(tmp_path, monkeypatch):
    with serve() as server:
        server.refuses = "/graphql"
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        with pytest.raises(UserError, match="permission denied"), training(tmp_path):
            pass


def test_proxy_is_used(tmp_path, monkeypatch):
    with serve() as proxy:  # answers for any server
        monkeypatch.setenv("http_proxy", proxy.address)
        monkeypatch.delenv("no_proxy", raising=False)
        assert wandb_session.responds("http://wandb.invalid")
    assert not wandb_session.responds("http://wandb.invalid")
