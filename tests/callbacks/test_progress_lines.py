import logging

import pytest
from disturbed_training import Disturbance, parts, poison
from lightning.pytorch import Callback

from leyden.callbacks.progress_lines import ProgressLines


class Once(Callback):
    """Log a training metric in the first epoch only."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if trainer.current_epoch == 0:
            pl_module.log("train/early", 1.0)


@pytest.fixture(autouse=True)
def all_lines(caplog):
    caplog.set_level(logging.INFO)


def test_line_contains_metrics_of_its_epoch(tmp_path, caplog):
    trainer, model, data = parts(tmp_path, [Once(), ProgressLines()], check_val_every_n_epoch=2, log_every_n_steps=1)
    trainer.fit_loop.max_epochs = 3
    trainer.fit(model, data)
    first, second, third = [line for line in caplog.messages if line.startswith("epoch ")]
    assert "train/early" in first
    assert "train/early" not in second + third
    assert "val/loss" in second
    assert "val/loss" not in first + third
    assert all("train/loss" in line for line in (first, second, third))


def test_non_finite_metric_is_reported_once(tmp_path, caplog):
    trainer, model, data = parts(
        tmp_path,
        [Disturbance(poison, "on_validation_batch_start", epoch, 0) for epoch in (0, 1)] + [ProgressLines()],
        log_every_n_steps=1,
    )
    trainer.fit(model, data)
    assert [line for line in caplog.messages if "val/loss is nan" in line] == [
        "val/loss is nan: it is undefined on this split, or an output is not finite"
    ]
