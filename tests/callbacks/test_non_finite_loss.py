import json
from itertools import pairwise

import pytest
import torch
from disturbed_training import Disturbance, parts, poison
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.multiprocessing import ProcessRaisedException

from leyden.callbacks import NonFiniteLoss
from leyden.errors import RunError

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.. may lead to deadlocks")


class Keep(Callback):
    """Record the weights of this rank before each step and at the end."""

    def __init__(self, folder):
        self.folder, self.steps = folder, []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.steps.append({name: value.clone() for name, value in pl_module.state_dict().items()})

    def on_train_end(self, trainer, pl_module):
        torch.save([*self.steps, pl_module.state_dict()], self.folder / f"rank{trainer.global_rank}.pt")


def train(folder, num_ranks, action, batch, *callbacks, **options):
    rank = num_ranks - 1
    bad = Disturbance(poison, "on_train_batch_start", epoch=1, batch=batch, rank=rank)
    trainer, model, data = parts(folder, [Keep(folder), bad, NonFiniteLoss(action), *callbacks], num_ranks, **options)
    trainer.fit(model, data)


def reports(folder):
    return [json.loads(line) for line in (folder / "non_finite.jsonl").read_text().splitlines()]


def samples(num_ranks, batch):
    """Indices in the official split of a batch of epoch 1 on the last rank."""
    _, _, data = parts(None, [])
    data.setup("fit")
    batches = data.train_dataloader().batch_sampler
    batches.epoch = lambda: 1
    return [data.samples["train"].indices[sample] for sample in list(batches)[batch][num_ranks - 1 :: num_ranks]]


@pytest.mark.parametrize("num_ranks", [1, 2])
@pytest.mark.parametrize("batch", [2, 5])  # the last one of an epoch is known before the checkpoint
def test_all_ranks_stop_without_saving_bad_weights(tmp_path, num_ranks, batch):
    last = ModelCheckpoint(tmp_path, filename="last", enable_version_counter=False)
    # A forked process hands its exception on as text.
    with pytest.raises(RunError if num_ranks == 1 else ProcessRaisedException, match=f"batch {batch}, on rank"):
        train(tmp_path, num_ranks, "stop", batch, last, limit_val_batches=0)
    (report,) = reports(tmp_path)
    expected = {"epoch": 1, "batch": batch, "step": 6 + batch, "seed": 0, "action": "stop"}
    assert report == expected | {"samples": {str(num_ranks - 1): samples(num_ranks, batch)}}
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert saved["epoch"] == 0
    assert all(value.isfinite().all() for value in saved["state_dict"].values())


@pytest.mark.parametrize("num_ranks", [1, 2])
def test_step_is_skipped_on_all_ranks(tmp_path, num_ranks):
    train(tmp_path, num_ranks, "skip", 2)
    for rank in range(num_ranks):
        steps = torch.load(tmp_path / f"rank{rank}.pt", weights_only=True)
        assert len(steps) == 13
        is_same = [all(one[name].equal(other[name]) for name in one) for one, other in pairwise(steps)]
        assert is_same == [number == 8 for number in range(12)]  # momentum and the norm's means, too
        assert all(value.isfinite().all() for value in steps[-1].values())
    (report,) = reports(tmp_path)
    assert report["samples"] == {str(num_ranks - 1): samples(num_ranks, 2)}
    assert report["action"] == "skip"


def test_accumulated_step_is_skipped(tmp_path):
    train(tmp_path, 1, "skip", 1, accumulate_grad_batches=3)
    steps = torch.load(tmp_path / "rank0.pt", weights_only=True)
    assert all(steps[6][name].equal(value) for name, value in steps[9].items())
    assert not all(steps[9][name].equal(value) for name, value in steps[12].items())
    assert [report["batch"] for report in reports(tmp_path)] == [1]


def test_finite_losses_are_not_reported(tmp_path):
    trainer, model, data = parts(tmp_path, [NonFiniteLoss()])
    trainer.fit(model, data)
    assert not (tmp_path / "non_finite.jsonl").exists()
