import pytest
from lightning.pytorch.callbacks import BasePredictionWriter, BatchSizeFinder

from leyden.errors import UserError
from leyden.run.configured_callbacks import configured_callback

LIGHTNING = "lightning.pytorch.callbacks"


class Milestones(BatchSizeFinder):
    """As Lightning's documentation has it."""


class Writer(BasePredictionWriter):
    """Of user."""


def one(target, **arguments):
    return configured_callback("own", {"_target_": target, **arguments}, "val/accuracy", "max")


@pytest.mark.parametrize("given", [{}, {"monitor": "???", "mode": "???"}, {"monitor": "val/accuracy"}])
def test_the_measure_of_the_task_is_followed_in_its_direction(given):
    callback = one(f"{LIGHTNING}.EarlyStopping", **given)
    assert (callback.monitor, callback.mode) == ("val/accuracy", "max")


def test_what_is_chosen_stays():
    assert one(f"{LIGHTNING}.EarlyStopping", monitor="val/loss").mode == "min"
    assert one(f"{LIGHTNING}.EarlyStopping", monitor="val/accuracy", mode="min").mode == "min"
    assert one(f"{LIGHTNING}.ModelCheckpoint").monitor is None  # the newest, whatever it is worth


def test_a_subclass_of_what_does_not_work_is_refused_and_one_of_a_base_class_is_not():
    with pytest.raises(
        UserError, match=r"callbacks\.own: BatchSizeFinder does not work here: it would change the batch"
    ):
        one(f"{__name__}.Milestones")
    assert isinstance(one(f"{__name__}.Writer"), Writer)
    with pytest.raises(UserError, match="it is a base class; name your own subclass"):
        one(f"{LIGHTNING}.BasePredictionWriter")
