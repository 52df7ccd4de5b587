"""A run that logs to several backends at once, is killed in its second epoch and resumed."""

import csv
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from wandb_server import serve

from leyden.config.compose import compose
from leyden.run.directory import RunDirectory

ROOT = Path.cwd()
SETTINGS = ["vision/digits", "trainer=cpu", "trainer.max_epochs=3", "trainer.limit_train_batches=4"]
SETTINGS += ["trainer.limit_val_batches=1", "trainer.limit_test_batches=1", "trainer.log_every_n_steps=1"]
KILLED = """
import os, signal, sys
from pathlib import Path
from lightning.pytorch import Callback
from leyden.run.directory import RunDirectory
from leyden.run.worker import Worker

class Killed(Callback):
    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == 7:
            os.kill(os.getpid(), signal.SIGKILL)

worker = Worker(RunDirectory(Path(sys.argv[1])), trains=True)
worker.trainer.callbacks.append(Killed())
worker.fit()
"""


def values_of_tensorboard(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run.path / "tensorboard"), {"scalars": 0, "images": 0, "tensors": 0}).Reload()
    assert events.Tensors("status/text_summary")[-1].tensor_proto.string_val == [b"finished"]
    assert "plots/test_worst" in events.Tags()["images"]
    return [(name, event.step, event.value) for name in events.Tags()["scalars"] for event in events.Scalars(name)]


def values_of_mlflow(run):
    from mlflow import MlflowClient

    client = MlflowClient(run.config["logger"]["mlflow"]["tracking_uri"])
    (stored,) = client.search_runs([client.get_experiment_by_name("leyden").experiment_id])
    assert (stored.info.status, stored.data.params["trainer.max_epochs"]) == ("FINISHED", "3")
    assert "plots/test_worst.png" in [file.path for file in client.list_artifacts(stored.info.run_id, "plots")]
    histories = [client.get_metric_history(stored.info.run_id, name) for name in stored.data.metrics]
    return [(value.key, value.step, value.value) for history in histories for value in history]


def values_of_wandb(run, server):
    (identity,) = server.runs
    assert (identity, server.exits[identity]) == (run.status["id"], 0)
    received = server.runs[identity]
    assert "plots/test_worst" in received[-1]
    rows = [row for row in received if "epoch" in row]
    names = {
        name for row in rows for name in row if name[0] != "_" and "/global_step" not in name and name[:5] != "plots"
    }
    return [(name, row["trainer/global_step"], row[name]) for row in rows for name in names & row.keys()]


def is_timing(name):
    return name in ("train/samples_per_second", "train/data_wait", "train/flops_utilization")


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / "configs/experiment/vision/digits.yaml").exists(), reason="needs the digits")
def test_each_backend_has_each_value_once(tmp_path, monkeypatch):
    for package in ("tensorboard", "mlflow", "sqlalchemy"):
        pytest.importorskip(package)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_LOGGING_LEVEL", "WARNING")
    settings = [*SETTINGS, "logger=[tensorboard,mlflow,wandb]", f"runs={tmp_path}/runs"]
    run = RunDirectory.create(compose(settings, ROOT).frozen, ROOT, ["leyden", "train", *settings])
    with serve() as server:
        known = os.environ | {"WANDB_BASE_URL": server.address, "WANDB_API_KEY": "0" * 40, "HOME": str(tmp_path)}
        known.pop("WANDB_MODE", None)
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, str(run.path)], env=known, capture_output=True, text=True
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        resume = [sys.executable, "-m", "leyden", "resume", str(run.path)]
        resumed = subprocess.run(resume, env=known, capture_output=True, text=True)
        assert resumed.returncode == 0, resumed.stderr
    with (run.path / "metrics.csv").open(newline="") as file:
        rows = [(int(row.pop("step")), row) for row in csv.DictReader(file)]
    expected = [
        (name, step, float(text)) for step, row in rows for name, text in row.items() if text and name != "epoch"
    ]
    assert {step for name, step, _ in expected if name == "train/loss"} == set(range(12))
    for found in (values_of_tensorboard(run), values_of_mlflow(run), values_of_wandb(run, server)):
        found = [entry for entry in found if entry[0] != "epoch"]
        assert Counter(entry[:2] for entry in found) == Counter(entry[:2] for entry in expected)
        exact = [sorted(entry for entry in entries if not is_timing(entry[0])) for entries in (found, expected)]
        assert [entry[:2] for entry in exact[0]] == [entry[:2] for entry in exact[1]]
        assert [entry[2] for entry in exact[0]] == pytest.approx([entry[2] for entry in exact[1]], nan_ok=True)
