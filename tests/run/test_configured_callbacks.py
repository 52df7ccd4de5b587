import pytest
from lightning.pytorch.callbacks import BasePredictionWriter, BatchSizeFinder

from leyden.errors import UserError
from leyden.run.configured_callbacks import configured_callback

LIGHTNING = "lightning.pytorch.callbacks"


class Milestones(BatchSizeFinder):
    """A callback as in Lightning's documentation."""


class Writer(BasePredictionWriter):
    """A user's callback."""


def one(target, **arguments):
    return configured_callback("own", {"_target_": target, **arguments}, "val/accuracy", "max")


@pytest.mark.parametrize("given", [{}, {"monitor": "???", "mode": "???"}, {"monitor": "val/accuracy"}])
def test_mode_follows_the_task_metric(given):
    callback = one(f"{LIGHTNING}.EarlyStopping", **given)
    assert (callback.monitor, callback.mode) == ("val/accuracy", "max")


def test_configured_mode_is_kept():
    assert one(f"{LIGHTNING}.EarlyStopping", monitor="val/loss").mode == "min"
    assert one(f"{LIGHTNING}.EarlyStopping", monitor="val/accuracy", mode="min").mode == "min"
    assert one(f"{LIGHTNING}.ModelCheckpoint").monitor is None  # the newest, whatever it is worth


def test_subclasses_of_refused_callbacks():
    with pytest.raises(
        UserError, match=r"callbacks\.own: BatchSizeFinder does not work here: it would change the batch"
    ):
        one(f"{__name__}.Milestones")
    assert isinstance(one(f"{__name__}.Writer"), Writer)
    with pytest.raises(UserError, match="it is a base class; use a subclass"):
        one(f"{LIGHTNING}.BasePredictionWriter")
