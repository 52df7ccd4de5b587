"""A small training, on one rank or two forked processes, that is disturbed at a given batch."""

import os
import time
from functools import partial

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import Checkpoint, ProgressBar
from points import Points
from torch import nn

from leyden.tasks import Classification


class Disturbance(Callback):
    """Call a function of the batch in one hook, at one batch of one epoch on one rank."""

    def __init__(self, action, hook="on_train_batch_start", epoch=0, batch=1, rank=0):
        self.action, self.place, self.rank = action, (epoch, batch), rank
        setattr(self, hook, self.disturb)

    def disturb(self, trainer, pl_module, *arguments):
        batch_idx = next(argument for argument in arguments if isinstance(argument, int))
        if (trainer.current_epoch, batch_idx) == self.place and trainer.global_rank == self.rank:
            self.action(next(argument for argument in arguments if hasattr(argument, "inputs")))


def send(*numbers):
    return lambda batch: [os.kill(os.getpid(), number) for number in numbers]


def poison(batch):
    batch.inputs.fill_(float("nan"))


def hang(batch):
    time.sleep(600)


def parts(folder, callbacks, num_ranks=1, **options):
    """Return trainer, model and data for 2 epochs of 6 steps."""
    torch.manual_seed(0)
    model = Classification(
        network=nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)),
        class_names=["low", "high"],
        optimizer=partial(torch.optim.SGD, lr=0.1, momentum=0.9),
    )
    trainer = Trainer(
        accelerator="cpu",
        devices=num_ranks,
        strategy="auto" if num_ranks == 1 else "ddp_fork",
        max_epochs=2,
        num_sanity_val_steps=0,
        logger=False,
        callbacks=callbacks,
        default_root_dir=folder,
        enable_checkpointing=any(isinstance(one, Checkpoint) for one in callbacks),
        enable_progress_bar=any(isinstance(one, ProgressBar) for one in callbacks),
        enable_model_summary=False,
        use_distributed_sampler=False,
        **options,
    )
    return trainer, model, Points(batch_size=6, validation_fraction=0.1)
