import json

import pytest
import torch
from disturbed_training import parts
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.multiprocessing import ProcessRaisedException

from leyden.callbacks import BestRecord, LastCheckpoint, Pruning, ResumePoint
from leyden.errors import Pruned

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*use of fork.. may lead to deadlocks"),
    pytest.mark.filterwarnings("ignore:.*dataloader is not resumable"),
]


class Search:
    """Prune at a step; keep the questions in a file, since ranks are forked processes."""

    def __init__(self, file, step):
        self.file, self.step = file, step

    def __call__(self, step, value):
        with self.file.open("a") as file:
            file.write(f"{step} {value:.3f}\n")
        return step == self.step


@pytest.mark.parametrize("num_ranks", [1, 2])
def test_all_ranks_stop_where_rank_zero_is_told_to(tmp_path, num_ranks):
    file = tmp_path / "questions"
    trainer, model, data = parts(tmp_path, [Pruning(Search(file, 1), "val/accuracy")], num_ranks, val_check_interval=3)
    with pytest.raises(Pruned if num_ranks == 1 else ProcessRaisedException, match="pruned after epoch 1"):
        trainer.fit(model, data)
    assert [line.split()[0] for line in file.read_text().splitlines()] == ["0", "1"]  # each asked once, of rank 0


@pytest.mark.parametrize("num_ranks", [1, 2])
@pytest.mark.parametrize(("interval", "step"), [(1.0, 12), (3, 6)])  # validations: after 6 and 12, after 3 and 6 steps
def test_best_checkpoint_may_be_that_of_the_last_validation(tmp_path, num_ranks, interval, step):
    best = ModelCheckpoint(tmp_path / "checkpoints", "best", monitor="step", mode="max")  # the last validation is best
    pruning = Pruning(Search(tmp_path / "questions", 1), "val/loss")
    trainer, model, data = parts(tmp_path, [best, BestRecord(best), pruning], num_ranks, val_check_interval=interval)
    with pytest.raises(Pruned if num_ranks == 1 else ProcessRaisedException, match="pruned after epoch"):
        trainer.fit(model, data)
    loss = float((tmp_path / "questions").read_text().split()[-1])
    record = json.loads((tmp_path / "checkpoints" / "best.json").read_text())
    assert record["step"] == step
    assert record["metrics"]["val/loss"] == pytest.approx(loss, abs=0.001)
    assert torch.load(tmp_path / record["file"], weights_only=True)["global_step"] == step


def test_resumed_run_continues_to_count(tmp_path):
    file, last = tmp_path / "questions", tmp_path / "last.ckpt"

    def callbacks(step):
        return [ResumePoint(last), Pruning(Search(file, step), "val/loss"), LastCheckpoint()]

    trainer, model, data = parts(tmp_path, callbacks(0))
    with pytest.raises(Pruned):  # as if it were killed after its first validation
        trainer.fit(model, data)
    assert torch.load(last, weights_only=True)["global_step"] == 6  # before the validation
    trainer, model, data = parts(tmp_path, callbacks(None))
    trainer.fit(model, data, ckpt_path=last)
    questions = file.read_text().splitlines()
    assert [line.split()[0] for line in questions] == ["0", "0", "1"]
    assert questions[0] == questions[1]


def test_a_run_without_the_metric_is_not_pruned(tmp_path):
    trainer, model, data = parts(tmp_path, [Pruning(lambda *_: True, "val/none")])
    trainer.fit(model, data)
    assert trainer.current_epoch == 2
