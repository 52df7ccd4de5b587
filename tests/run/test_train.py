"""Training from Python."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import leyden
from leyden.config.compose import options
from leyden.errors import UserError

EXPERIMENT = "vision/digits"
SETTINGS = ["trainer=cpu", "trainer.max_epochs=1", "trainer.limit_train_batches=5", "callbacks.plots=null"]
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*number of training batches"),
    pytest.mark.skipif(EXPERIMENT not in dict(options(Path.cwd())["experiment"]), reason="no images here"),
]


def weights(run):
    state = torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
    return hashlib.sha256(b"".join(value.numpy().tobytes() for value in state.values())).hexdigest()


@pytest.mark.slow
def test_run_equals_that_of_the_command_line(tmp_path):
    here = leyden.train(EXPERIMENT, *SETTINGS, f"runs={tmp_path / 'here'}")
    words = [sys.executable, "-m", "leyden", "train", EXPERIMENT, *SETTINGS, f"runs={tmp_path / 'command'}"]
    subprocess.run(words, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    there = (tmp_path / "command" / EXPERIMENT / "latest").resolve()
    assert weights(here) == weights(there)
    assert json.loads((here / "results.json").read_text()) == json.loads((there / "results.json").read_text())
    assert json.loads((here / "status.json").read_text())["state"] == "finished"


def test_all_errors_are_listed():
    with pytest.raises(UserError, match=r"max_epoch.*did you mean 'max_epochs'") as error:
        leyden.train(EXPERIMENT, "trainer.max_epoch=1", "model.optimizer.lrr=1")
    assert "lrr" in str(error.value)


@pytest.mark.parametrize(
    ("word", "message"),
    [("init_from=missing.ckpt", "there is no file"), ("search=tpe", "needs leyden sweep"), ("seed=x", "seed")],
)
def test_mistakes_are_refused_before_torch_is_imported(word, message, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "leyden.run.worker", None)  # cannot be imported
    with pytest.raises(UserError, match=message):
        leyden.train(EXPERIMENT, word, f"runs={tmp_path}")
    assert not list(tmp_path.iterdir())


def test_several_processes_need_the_command_line(tmp_path):
    for words in (["trainer.devices=2"], ["launcher=slurm"]):
        with pytest.raises(UserError, match="leyden train vision/digits"):
            leyden.train(EXPERIMENT, "trainer=cpu", *words, f"runs={tmp_path}")
    assert not list(tmp_path.iterdir())
