import pytest
import torch
from torch import nn
from torchmetrics import MeanMetric
from torchmetrics.classification import BinaryAccuracy

from leyden import Task
from leyden.errors import UserError
from leyden.metrics.mean import Mean


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


@pytest.mark.parametrize("metric", [Mean(), MeanMetric()])
def test_the_mean_of_a_batch_is_refused_where_samples_are_expected(metric):
    task = Unfinished()
    task.add_metrics(loss=metric)
    task.log = lambda *arguments, **options: None
    for mean in (torch.tensor(0.5), 0.5):
        with pytest.raises(UserError, match=r"Unfinished: measure\('val', 'loss'\) expects a value for each sample"):
            task.measure("val", "loss", mean)
    task.measure("val", "loss", torch.tensor(0.5), torch.tensor(4.0))  # with the number of samples it is exact
    task.measure("val", "loss", torch.tensor([1.0]))  # a batch of one
    assert task.val_loss.compute() == pytest.approx(0.6)
