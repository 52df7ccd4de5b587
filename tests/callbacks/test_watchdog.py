import logging
import threading
import time

import pytest
from disturbed_training import Disturbance, hang, parts
from torch.multiprocessing import ProcessExitedException

from leyden.callbacks import Watchdog

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.. may lead to deadlocks")


@pytest.mark.slow
def test_all_ranks_write_stacks_and_exit_when_one_hangs(tmp_path):
    trainer, model, data = parts(tmp_path, [Watchdog(minutes=1.5 / 60), Disturbance(hang, rank=1)], num_ranks=2)
    begin = time.monotonic()
    with pytest.raises(ProcessExitedException) as ended:
        trainer.fit(model, data)
    assert ended.value.exit_code == 1
    assert time.monotonic() - begin < 30
    assert "in hang" in (tmp_path / "stacks" / "rank1.txt").read_text()
    waiting = (tmp_path / "stacks" / "rank0.txt").read_text()
    assert "in hang" not in waiting
    assert "training_epoch_loop.py" in waiting


def test_hang_is_reported_before_exit(tmp_path, caplog):
    messages = []
    slow = Disturbance(lambda batch: time.sleep(1))
    watchdog = Watchdog(minutes=0.7 / 60)  # ends after twice as long
    watchdog.on_hang = messages.append
    trainer, model, data = parts(tmp_path, [watchdog, slow])
    with caplog.at_level(logging.ERROR):
        trainer.fit(model, data)
    assert len(messages) == 1
    assert messages[0] in caplog.text
    assert "rank 0 has not finished a batch for" in messages[0]
    assert "Current thread" in (tmp_path / "stacks" / "rank0.txt").read_text()


def test_predict_is_not_watched(tmp_path):
    """The callback does not observe batches of predictions."""
    watchdog = Watchdog(minutes=0.01 / 60)
    trainer, model, _ = parts(tmp_path, [watchdog])
    before = {*threading.enumerate()}
    watchdog.setup(trainer, model, "predict")
    time.sleep(0.1)
    assert {*threading.enumerate()} <= before
    watchdog.teardown()
    assert not (tmp_path / "stacks").exists()


def test_no_files_are_left_without_hang(tmp_path):
    trainer, model, data = parts(tmp_path, [Watchdog(minutes=1)])
    trainer.fit(model, data)
    assert not (tmp_path / "stacks").exists()
