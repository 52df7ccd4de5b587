from functools import partial

import pytest
import torch
from lightning.pytorch import Trainer
from points import Points
from torch import nn

from leyden.loggers.metrics_csv import MetricsCSV, ResumeMetrics
from leyden.tasks import Classification


class Copy(MetricsCSV):
    """A logger that has to be told of the rows before."""

    def catch_up(self, rows):
        self.told = [(row["step"], row["train/loss"]) for row in rows]


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
    return metrics.file.rows(), copy.told


@pytest.fixture(autouse=True)
def reproducible():
    torch.manual_seed(3)


def test_a_run_without_a_checkpoint_starts_the_file_anew(tmp_path):
    first, told = fit(tmp_path, 1)
    assert first
    assert not told
    again, told = fit(tmp_path, 1)  # as after a kill before the first checkpoint
    assert [row["step"] for row in again] == [row["step"] for row in first]
    assert not told


def test_a_resumed_run_goes_on_below_the_rows_of_its_checkpoint(tmp_path):
    first, _ = fit(tmp_path, 1)
    MetricsCSV(tmp_path).log_metrics({"train/loss": 9.0}, 99)  # after the checkpoint
    both, told = fit(tmp_path, 2, tmp_path / "end.ckpt")
    assert both[: len(first)] == first
    assert told == [(row["step"], row["train/loss"]) for row in first]
    steps = [int(row["step"]) for row in both if row["train/loss"]]
    assert steps == sorted(set(steps))


def test_a_run_that_has_nothing_left_to_train_keeps_its_rows(tmp_path):
    first, _ = fit(tmp_path, 1)
    again, told = fit(tmp_path, 1, tmp_path / "end.ckpt")
    assert again == first
    assert len(told) == len(first)


def test_rows_that_somebody_has_taken_away_are_missed(tmp_path, caplog):
    first, _ = fit(tmp_path, 1)
    (tmp_path / "metrics.csv").unlink()
    fit(tmp_path, 2, tmp_path / "end.ckpt")
    assert f"has lost rows: 0 of {len(first)} are there" in caplog.text
