import pytest
from torch import nn
from torchmetrics.classification import BinaryAccuracy

from leyden import Task
from leyden.errors import UserError


class Unfinished(Task):
    def __init__(self):
        super().__init__(nn.Linear(1, 1), optimizer=None)
        self.add_metrics(accuracy=BinaryAccuracy())


def test_what_a_task_lacks_is_named():
    task = Unfinished()
    with pytest.raises(UserError, match="Unfinished does not implement evaluate"):
        task.evaluate(None, "val")
    with pytest.raises(UserError, match="Unfinished does not implement predict_step"):
        task.predict_step(None, 0)
    with pytest.raises(UserError, match=r"no metric 'coverage': expected self.add_metrics\(coverage=...\)"):
        task.measure("val", "coverage", 1)
