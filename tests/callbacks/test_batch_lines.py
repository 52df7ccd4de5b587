import logging

import pytest
from disturbed_training import parts

from leyden.callbacks import BatchLines


@pytest.fixture
def lines(tmp_path, caplog):
    def fit(seconds):
        trainer, model, data = parts(tmp_path, [BatchLines(seconds)])
        with caplog.at_level(logging.INFO, logger=BatchLines.__module__):
            trainer.fit(model, data)
            trainer.test(model, data, verbose=False)
        return [record.getMessage() for record in caplog.records if record.name == BatchLines.__module__]

    return fit


def test_long_epoch_logs_progress_and_loss(lines):
    messages = lines(seconds=0.0)
    assert messages[1].startswith("epoch 1/2  33 %  batch 2/6  loss 0.")
    assert messages[6] == "validation  100 %  batch 1/1"
    assert messages[-1] == "test  100 %  batch 7/7"


def test_short_epoch_logs_no_lines(lines):
    assert lines(seconds=60.0) == []
