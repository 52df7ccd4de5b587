import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.utils.data import DataLoader

from leyden.callbacks import LastCheckpoint, ResumePoint


class Line(LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch, batch_idx):
        return (self.weight - batch).square().mean()

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", (self.weight - batch).square().mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Saved(Callback):
    """Record the batches (epoch, index) after which a checkpoint was saved, and its moment."""

    def __init__(self):
        self.points = []

    def on_save_checkpoint(self, trainer, pl_module, checkpoint):
        done = trainer.fit_loop.epoch_loop.batch_progress.current.completed
        self.points.append((checkpoint["epoch"], done, checkpoint["resume_point"]["moment"]))


def saved(tmp_path, callback, **options):
    saved, last = Saved(), tmp_path / "last.ckpt"
    trainer = Trainer(
        accelerator="cpu",
        logger=False,
        callbacks=[ResumePoint(last), callback, saved],
        default_root_dir=tmp_path,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=1,
        **{"max_epochs": 2} | options,
    )
    samples = torch.arange(7.0)
    trainer.fit(Line(), DataLoader(samples), DataLoader(samples))
    assert last.exists()
    *before, (epoch, _, moment) = saved.points
    assert (epoch, moment) == (trainer.current_epoch, "end")
    return before


def test_saved_before_each_validation_and_at_the_end(tmp_path):
    assert saved(tmp_path, LastCheckpoint()) == [(0, 7, "validation"), (1, 7, "validation")]
    assert saved(tmp_path, LastCheckpoint(), max_epochs=1, val_check_interval=3) == [
        (0, 3, "validation"),
        (0, 6, "validation"),
    ]


def test_saved_at_the_end_without_validation(tmp_path):
    assert saved(tmp_path, LastCheckpoint(), limit_val_batches=0) == []
    assert saved(tmp_path, LastCheckpoint(), max_steps=3, max_epochs=-1) == []


def test_every_n_steps(tmp_path):
    assert saved(tmp_path, LastCheckpoint(every_n_steps=2), limit_val_batches=0) == [
        *((0, done, "batch") for done in (2, 4, 6)),
        *((1, done, "batch") for done in (1, 3, 5)),
    ]
    assert saved(tmp_path, LastCheckpoint(every_n_steps=1), max_epochs=1, val_check_interval=3) == [
        *((0, done, "validation" if done in (3, 6) else "batch") for done in range(1, 7))
    ]


def test_not_saved_while_accumulating(tmp_path):
    options = {"max_epochs": 1, "accumulate_grad_batches": 3}
    steps = [(0, 3, "batch"), (0, 6, "batch")]
    assert saved(tmp_path, LastCheckpoint(every_n_steps=1), **options) == [*steps, (0, 7, "validation")]
    assert saved(tmp_path, LastCheckpoint(every_n_steps=1), val_check_interval=4, **options) == steps
    assert saved(tmp_path, LastCheckpoint(), val_check_interval=2, **options) == [(0, 6, "validation")]


def test_every_n_minutes(tmp_path):
    assert len(saved(tmp_path, LastCheckpoint(every_n_minutes=1e-9), max_epochs=1)) == 8
    assert len(saved(tmp_path, LastCheckpoint(every_n_minutes=60), max_epochs=1)) == 1


@pytest.mark.parametrize("arguments", [{"every_n_steps": 0}, {"every_n_minutes": 0.0}])
def test_arguments_out_of_range(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"expected {name} .* got 0"):
        LastCheckpoint(**arguments)
