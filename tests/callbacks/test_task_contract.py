"""What a project's task does that would silently train nothing, or not with its settings."""

from functools import partial

import pytest
import torch
from points import Points
from torch import nn
from trainers import trainer

from leyden.callbacks import TaskContract
from leyden.errors import UserError
from leyden.optim import warmup_cosine
from leyden.tasks import Classification


class Forgetful(Classification):
    """Forgets to return the loss of all batches from `first` on."""

    first = 0

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        return loss if batch_idx < self.first else None


class OwnOptimizer(Classification):
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class OwnGroup(Classification):
    def configure_optimizers(self):
        return self.optimizer(self.parameters())


class Extended(Classification):
    def configure_optimizers(self):
        return super().configure_optimizers()


class Network(nn.Linear):
    def forward(self, inputs, lengths=None):
        return super().forward(inputs)


def fit(folder, kind, **task):
    arguments = {"optimizer": partial(torch.optim.AdamW, lr=0.1), **task}
    model = kind(network=Network(1, 2), class_names=["low", "high"], **arguments)
    trainer(folder, callbacks=[TaskContract()], max_epochs=2).fit(model, Points(batch_size=6))


@pytest.mark.filterwarnings("ignore:.*`training_step` returned `None`")
def test_a_step_without_a_loss_is_reported_once(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(Forgetful, "first", 2)
    fit(tmp_path, Forgetful)
    messages = [record.getMessage() for record in caplog.records if "returned None" in record.getMessage()]
    assert len(messages) == 1
    assert "Forgetful.training_step returned None for batch 2 of epoch 0" in messages[0]


@pytest.mark.filterwarnings("ignore:.*`training_step` returned `None`")
def test_an_epoch_without_any_loss_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"Forgetful\.training_step returned None for all 6 batches of an epoch"):
        fit(tmp_path, Forgetful)


def test_settings_that_the_tasks_own_optimizers_leave_unused_are_named(tmp_path, caplog):
    fit(tmp_path, OwnOptimizer, scheduler=partial(warmup_cosine, warmup_fraction=0.1))
    assert "OwnOptimizer has its own configure_optimizers, which does not use self.optimizer" in caplog.text
    assert "model.optimizer (AdamW) has no effect" in caplog.text
    assert "model.scheduler (warmup_cosine) has no effect" in caplog.text


@pytest.mark.parametrize("kind", [Classification, Extended, OwnGroup])
def test_settings_that_are_used_are_not_reported(tmp_path, caplog, kind):
    fit(tmp_path, kind)
    assert "has no effect" not in caplog.text
