import bdb
import pdb
import time

import pytest
from disturbed_training import Disturbance, parts

from leyden.callbacks import ProgressBar


class Counting(ProgressBar):
    """Return the number of updates of the bar and its state at the end of training."""

    heard = completed = 0

    def _update_metrics(self, *args):
        self.heard += 1
        super()._update_metrics(*args)

    def on_train_end(self, trainer, pl_module):
        self.completed = self.train_progress_bar.completed


@pytest.mark.parametrize("limit", [{}, {"max_steps": 3}])
def test_bar_is_complete_and_rarely_updated(tmp_path, limit):
    bar = Counting()
    trainer, model, data = parts(tmp_path, [bar], **limit)
    begin = time.monotonic()
    trainer.fit(model, data)
    seconds = time.monotonic() - begin
    batches = limit.get("max_steps", trainer.num_training_batches)
    assert bar.completed == batches
    # At most two a second, the last batch of an epoch, and the ends of its validation and of itself.
    assert 1 <= bar.heard <= 2 * seconds + 1 + 3 * trainer.max_epochs


def test_epochs_are_counted_from_one(tmp_path):
    observed = []
    bar = Counting()
    look = Disturbance(lambda batch: observed.append(bar.train_progress_bar.description.strip()), epoch=1)
    trainer, model, data = parts(tmp_path, [bar, look])
    trainer.fit(model, data)
    assert observed == ["epoch 2/2"]


def test_bar_is_hidden_while_debugging(tmp_path, monkeypatch):
    observed = []
    bar = Counting()
    monkeypatch.setattr(bdb.Bdb, "set_trace", lambda debugger, *frame: observed.append(bar.progress.live.is_started))
    before = bdb.Bdb.set_trace
    trainer, model, data = parts(tmp_path, [bar, Disturbance(lambda batch: pdb.Pdb().set_trace())])
    trainer.fit(model, data)
    assert observed == [False]
    assert bar.completed == trainer.num_training_batches
    assert bdb.Bdb.set_trace is before
