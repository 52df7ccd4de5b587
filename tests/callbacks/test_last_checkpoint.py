import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.utils.data import DataLoader

from leyden.callbacks import LastCheckpoint


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
    """After which batches (epoch, number) there was a checkpoint."""

    def __init__(self):
        self.batches = []

    def on_save_checkpoint(self, trainer, pl_module, checkpoint):
        loop = trainer.fit_loop.epoch_loop
        self.batches.append((checkpoint["epoch"], loop.batch_progress.current.ready))


def saved(tmp_path, callback, **options):
    told = Saved()
    trainer = Trainer(
        accelerator="cpu",
        logger=False,
        callbacks=[callback, told],
        default_root_dir=tmp_path,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=1,
        **{"max_epochs": 2} | options,
    )
    rows = torch.arange(7.0)
    trainer.fit(Line(), DataLoader(rows), DataLoader(rows))
    assert (tmp_path / "checkpoints" / "last.ckpt").exists()
    return told.batches


def test_after_each_validation(tmp_path):
    assert saved(tmp_path, LastCheckpoint()) == [(0, 7), (1, 7)]
    assert saved(tmp_path, LastCheckpoint(), val_check_interval=3) == [(0, 3), (0, 6), (1, 3), (1, 6), (2, 7)]


def test_at_the_end_where_there_is_no_validation(tmp_path):
    assert saved(tmp_path, LastCheckpoint(), limit_val_batches=0) == [(2, 7)]
    assert saved(tmp_path, LastCheckpoint(), max_steps=3, max_epochs=-1) == [(1, 3)]


def test_every_so_many_steps_but_not_where_a_validation_is_to_come(tmp_path):
    assert saved(tmp_path, LastCheckpoint(every_n_steps=2), max_epochs=1) == [(0, 2), (0, 4), (0, 6), (0, 7)]
    assert saved(tmp_path, LastCheckpoint(every_n_steps=1), max_epochs=1, val_check_interval=3) == [
        *((0, number) for number in range(1, 7)),
        (1, 7),
    ]


def test_only_after_the_last_batch_of_an_accumulation(tmp_path):
    batches = saved(tmp_path, LastCheckpoint(every_n_steps=1), max_epochs=1, accumulate_grad_batches=3)
    assert batches == [(0, 3), (0, 6), (0, 7)]


def test_every_so_many_minutes(tmp_path):
    assert len(saved(tmp_path, LastCheckpoint(every_n_minutes=1e-9), max_epochs=1)) == 7
    assert len(saved(tmp_path, LastCheckpoint(every_n_minutes=60), max_epochs=1)) == 1


@pytest.mark.parametrize("arguments", [{"every_n_steps": 0}, {"every_n_minutes": 0.0}])
def test_arguments_out_of_range(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"{name} is"):
        LastCheckpoint(**arguments)
