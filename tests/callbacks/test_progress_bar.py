import bdb
import pdb
import time

import pytest
from disturbed_training import Disturbance, parts

from leyden.callbacks import ProgressBar


class Counting(ProgressBar):
    """How many batches the bar has heard of, and how far it was at the end of training."""

    heard = completed = 0

    def _update_metrics(self, *args):
        self.heard += 1
        super()._update_metrics(*args)

    def on_train_end(self, trainer, pl_module):
        self.completed = self.train_progress_bar.completed


@pytest.mark.parametrize("limit", [{}, {"max_steps": 3}])
def test_the_bar_ends_where_training_ends_and_hears_of_few_batches(tmp_path, limit):
    bar = Counting()
    trainer, model, data = parts(tmp_path, [bar], **limit)
    begin = time.monotonic()
    trainer.fit(model, data)
    seconds = time.monotonic() - begin
    batches = limit.get("max_steps", trainer.num_training_batches)
    assert bar.completed == batches
    # At most two a second, the last batch of an epoch, and the ends of its validation and of itself.
    assert 1 <= bar.heard <= 2 * seconds + 1 + 3 * trainer.max_epochs


def test_it_counts_epochs_as_log_lines_do(tmp_path):
    told = []
    bar = Counting()
    look = Disturbance(lambda batch: told.append(bar.train_progress_bar.description.strip()), epoch=1)
    trainer, model, data = parts(tmp_path, [bar, look])
    trainer.fit(model, data)
    assert told == ["epoch 2/2"]


def test_a_debugger_finds_the_terminal_free_and_the_bar_goes_on_after_it(tmp_path, monkeypatch):
    told = []
    bar = Counting()
    monkeypatch.setattr(bdb.Bdb, "set_trace", lambda debugger, *frame: told.append(bar.progress.live.is_started))
    before = bdb.Bdb.set_trace
    trainer, model, data = parts(tmp_path, [bar, Disturbance(lambda batch: pdb.Pdb().set_trace())])
    trainer.fit(model, data)
    assert told == [False]
    assert bar.completed == trainer.num_training_batches
    assert bdb.Bdb.set_trace is before
