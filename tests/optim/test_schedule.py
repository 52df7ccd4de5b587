from functools import partial

import pytest
import torch
from lightning.pytorch import Trainer
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR

from leyden.errors import UserError
from leyden.optim import warmup_cosine
from leyden.optim.schedule import schedule


def scheduled(scheduler, mode="max", **options):
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, **options)
    return schedule(scheduler, torch.optim.SGD([torch.zeros(1)], lr=1.0), trainer, "val/accuracy", mode)


def test_one_that_takes_the_number_of_steps_steps_with_each_batch():
    parts = scheduled(warmup_cosine, max_epochs=-1, max_steps=10)
    assert parts["interval"] == "step"
    for _ in range(10):
        parts["scheduler"].optimizer.step()
        parts["scheduler"].step()
    assert parts["scheduler"].get_last_lr() == [pytest.approx(0)]


def test_a_number_of_steps_that_is_set_is_kept():
    parts = scheduled(partial(warmup_cosine, total_steps=20), max_epochs=-1, max_steps=10)
    for _ in range(10):
        parts["scheduler"].optimizer.step()
        parts["scheduler"].step()
    assert parts["scheduler"].get_last_lr()[0] > 0.5


def test_any_other_steps_with_each_epoch():
    assert scheduled(partial(StepLR, step_size=1))["interval"] == "epoch"


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("scheduler", [ReduceLROnPlateau, partial(ReduceLROnPlateau, patience=3)])
def test_reduce_on_plateau_follows_the_measure_of_the_task_in_its_direction(scheduler, mode):
    parts = scheduled(scheduler, mode, check_val_every_n_epoch=2)
    assert parts["scheduler"].mode == mode
    assert (parts["monitor"], parts["interval"], parts["frequency"]) == ("val/accuracy", "epoch", 2)


def test_the_wrong_direction_is_refused():
    with pytest.raises(UserError, match=r"model\.scheduler\.mode is min, but val/accuracy is best at its max"):
        scheduled(partial(ReduceLROnPlateau, mode="min"))


def test_a_training_without_an_end_has_no_number_of_steps():
    with pytest.raises(UserError, match=r"trainer\.max_epochs=-1 sets no limit"):
        scheduled(warmup_cosine, max_epochs=-1)
