import time

import pytest
from disturbed_training import parts

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
