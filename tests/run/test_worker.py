import csv
import os
import signal
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback

from leyden.config.compose import compose
from leyden.config.embedded import embedded_experiments
from leyden.data import DataModule
from leyden.errors import Stopped, UserError
from leyden.run.directory import RunDirectory
from leyden.run.worker import Worker

ROOT = Path.cwd()
SHORT = ["trainer=cpu", "trainer.limit_train_batches=8", "trainer.limit_val_batches=2", "trainer.max_epochs=2"]
SHORT += ["trainer.log_every_n_steps=1", "trainer.limit_test_batches=2", "callbacks.plots=null"]
EMA = [
    "+callbacks.ema._target_=lightning.pytorch.callbacks.EMAWeightAveraging",
    "+callbacks.ema.decay=0.9",
]
EXPERIMENTS = embedded_experiments(ROOT)


def test_processes_share_inferred_data_properties(tmp_path, monkeypatch):
    # A text experiment where there is one: its vocabulary takes the longest.
    config = compose([f"experiment={sorted(EXPERIMENTS)[-1]}", "trainer=debug"], ROOT).config
    config["runs"] = str(tmp_path)
    run = RunDirectory.create(config, ROOT, ["test_worker"])
    first = Worker(run, trains=True)
    saved = {file.name: file.stat().st_mtime_ns for file in run.path.glob("*.json")}

    def learns_again(*arguments):
        raise AssertionError("it was there")

    monkeypatch.setattr(DataModule, "save", learns_again)
    if tokenizer := getattr(first.data, "tokenizer", None):
        monkeypatch.setattr(type(tokenizer), "train", learns_again)
    second = Worker(run, trains=True)
    assert str(second.data.provided()) == str(first.data.provided())
    assert {file.name: file.stat().st_mtime_ns for file in run.path.glob("*.json")} == saved


def short_run(folder, *settings):
    config = compose([f"experiment={EXPERIMENTS[0]}", *SHORT, *settings], ROOT).config | {"runs": str(folder)}
    return RunDirectory.create(config, ROOT, ["test_worker"])


def rows(run):
    return list(csv.DictReader((run.path / "metrics.csv").read_text().splitlines()))


# Expected warnings of both callbacks.
@pytest.mark.filterwarnings("ignore:You're using the WeightAveraging callback")
@pytest.mark.parametrize("settings", [[], EMA], ids=["plain", "ema"])
def test_test_after_training_equals_that_of_checkpoint(tmp_path, settings):
    run = short_run(tmp_path, *settings)
    worker = Worker(run, trains=True)
    results = worker.fit()
    assert Worker(run, trains=False).evaluate("test", "best") == results
    best = torch.load(run.checkpoint("best"), weights_only=True)["state_dict"]
    assert all(value.equal(best[name]) for name, value in worker.model.state_dict().items())
    loaded = Worker(run, trains=False).model.state_dict()
    assert all(value.equal(best[name]) for name, value in loaded.items())
    *_, validation, test = rows(run)
    assert {name: float(test[name]) for name in results} == results
    assert (test["step"], test["epoch"]) == ("16", "2")
    assert validation["step"] == "15"  # numbered as Lightning does


class Terminate(Callback):
    """Send a signal in the first test."""

    def on_test_batch_start(self, trainer, pl_module, batch, batch_idx, dataloader_idx=0):
        marker = Path(trainer.default_root_dir) / "terminated"
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Checkpoint directory .* is not empty", "ignore:.*dataloader is not resumable")
def test_run_preempted_in_test_only_repeats_the_test(tmp_path):
    run = short_run(tmp_path, f"+callbacks.terminate._target_={__name__}.Terminate")
    previous = signal.getsignal(signal.SIGTERM)
    worker = Worker(run, trains=True)
    worker.stop.listen()
    with pytest.raises(Stopped, match="preempted in the test"):
        worker.fit()
    signal.signal(signal.SIGTERM, previous)
    before = rows(run)
    saved = run.checkpoint("last").read_bytes()
    results = Worker(run, trains=True).fit()
    assert [row["step"] for row in rows(run)] == [row["step"] for row in before] + ["16"]
    assert "test/loss" not in before[-1]
    assert rows(run)[-1]["test/loss"]
    assert run.checkpoint("last").read_bytes() == saved
    assert Worker(run, trains=False).evaluate("test", "best") == results


@pytest.mark.slow
def test_checkpoints_stay_in_the_run_directory(tmp_path):
    run = short_run(tmp_path, f"callbacks.best.dirpath={tmp_path}/elsewhere")
    with pytest.raises(UserError, match=r"callbacks\.best\.dirpath=.*elsewhere is outside of the run directory"):
        Worker(run, trains=True)
    run = short_run(tmp_path)
    Worker(run, trains=True)  # reads the data, and is not trained
    with pytest.raises(UserError, match="there is no checkpoint"):
        _ = Worker(run, trains=False).model
