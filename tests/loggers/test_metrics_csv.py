from functools import partial

import pytest
import torch
from lightning.pytorch import Trainer
from points import Points
from torch import nn

from leyden.loggers.metrics_csv import MetricsCSV, ResumeMetrics
from leyden.tasks import Classification


class Copy(MetricsCSV):
    """A logger that receives earlier rows."""

    def catch_up(self, rows):
        self.received = [(row["step"], row["train/loss"]) for row in rows]


def fit(folder, max_epochs, checkpoint=None):
    metrics, copy = MetricsCSV(folder), Copy(folder / "copy")
    (folder / "copy").mkdir(exist_ok=True)
    network = nn.Linear(1, 2)
    model = Classification(network=network, class_names=["low", "high"], optimizer=partial(torch.optim.SGD, lr=0.5))
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=max_epochs,
        logger=[metrics, copy],
        callbacks=[ResumeMetrics(metrics)],
        default_root_dir=folder,
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, Points(batch_size=12), ckpt_path=checkpoint, weights_only=False)
    trainer.save_checkpoint(folder / "end.ckpt")
    return metrics.file.rows(), copy.received


@pytest.fixture(autouse=True)
def reproducible():
    torch.manual_seed(3)


def test_run_without_checkpoint_starts_with_an_empty_file(tmp_path):
    first, received = fit(tmp_path, 1)
    assert first
    assert not received
    again, received = fit(tmp_path, 1)  # as after a kill before the first checkpoint
    assert [row["step"] for row in again] == [row["step"] for row in first]
    assert not received


def test_resumed_run_appends_after_the_rows_of_its_checkpoint(tmp_path):
    first, _ = fit(tmp_path, 1)
    MetricsCSV(tmp_path).log_metrics({"train/loss": 9.0}, 99)  # after the checkpoint
    both, received = fit(tmp_path, 2, tmp_path / "end.ckpt")
    assert both[: len(first)] == first
    assert received == [(row["step"], row["train/loss"]) for row in first]
    steps = [int(row["step"]) for row in both if row["train/loss"]]
    assert steps == sorted(set(steps))


def test_finished_run_keeps_its_rows(tmp_path):
    first, _ = fit(tmp_path, 1)
    again, received = fit(tmp_path, 1, tmp_path / "end.ckpt")
    assert again == first
    assert len(received) == len(first)


def test_lost_rows_are_reported(tmp_path, caplog):
    first, _ = fit(tmp_path, 1)
    (tmp_path / "metrics.csv").unlink()
    fit(tmp_path, 2, tmp_path / "end.ckpt")
    assert f"has lost rows: expected {len(first)} rows, got 0" in caplog.text
