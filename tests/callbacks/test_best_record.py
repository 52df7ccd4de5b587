"""The recorded best checkpoint of trainings with given validation scores."""

import json
import shutil

import pytest
from disturbed_training import parts
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import ModelCheckpoint

from leyden.callbacks import BestRecord, LastCheckpoint, ResumePoint

pytestmark = [
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
    pytest.mark.filterwarnings("ignore:.*dataloader is not resumable"),
]

SCORES = [0.1, 0.9, 0.3, 0.7, 0.5]


class Score(Callback):
    def on_validation_epoch_end(self, trainer, pl_module):
        pl_module.log("val/score", SCORES[trainer.current_epoch])


def train(folder, epochs, resume=False, **options):
    settings = {"filename": "best", "monitor": "val/score", "mode": "max", "enable_version_counter": False}
    best = ModelCheckpoint(**settings | options)
    point = ResumePoint(folder / "checkpoints" / "last.ckpt")
    trainer, model, data = parts(folder, [point, Score(), best, LastCheckpoint(), BestRecord(best)])
    trainer.fit_loop.max_epochs = epochs
    trainer.fit(model, data, ckpt_path=folder / "checkpoints" / "last.ckpt" if resume else None)
    return best


def record(folder):
    found = json.loads((folder / "checkpoints" / "best.json").read_text())
    assert (folder / found["file"]).is_file()
    assert found["metrics"]["val/score"] == pytest.approx(SCORES[found["epoch"]])
    assert (found["monitor"], found["mode"]) == ("val/score", "max")
    assert found["step"] == 6 * (found["epoch"] + 1)
    return found["epoch"], found["file"]


@pytest.mark.parametrize(
    ("options", "file"),
    [
        ({}, "best.ckpt"),
        ({"save_top_k": 3}, "best-step=12.ckpt"),
        ({"save_top_k": -1}, "best-step=12.ckpt"),
        ({"save_top_k": 2, "filename": "{epoch}"}, "epoch=1-step=12.ckpt"),
        ({"filename": "{epoch}-{val/score:.2f}", "auto_insert_metric_name": False}, "1-0.90.ckpt"),
        ({"filename": None, "enable_version_counter": True}, "epoch=1-step=12.ckpt"),
    ],
)
def test_best_epoch_is_recorded_for_any_file_name(tmp_path, options, file):
    train(tmp_path, 5, **options)
    assert record(tmp_path) == (1, f"checkpoints/{file}")
    kept = {1: 1, 3: 3, -1: 5, 2: 2}[options.get("save_top_k", 1)]
    assert len(list(tmp_path.glob("checkpoints/*.ckpt"))) == kept + 1


def test_another_folder_in_the_run_directory(tmp_path):
    train(tmp_path, 3, dirpath=tmp_path / "kept")
    assert record(tmp_path) == (1, "kept/best.ckpt")


@pytest.mark.parametrize("options", [{}, {"save_top_k": 2}])
def test_moved_run_keeps_its_best_score(tmp_path, options):
    train(tmp_path / "before", 3, **options)
    shutil.move(tmp_path / "before", tmp_path / "after")
    best = train(tmp_path / "after", 5, resume=True, **options)
    assert record(tmp_path / "after")[0] == 1
    assert best.best_model_score == pytest.approx(0.9)
    assert all(str(tmp_path / "after") in path for path in best.best_k_models)


def test_nothing_is_recorded_without_monitor(tmp_path):
    train(tmp_path, 2, monitor=None, filename="best")
    assert not (tmp_path / "checkpoints" / "best.json").exists()
