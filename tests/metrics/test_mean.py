"""NaN is not ignored by the means of any task."""

import pytest
import torch
from torch import nn
from torchmetrics import MeanMetric

from leyden import tasks as models
from leyden.metrics.mean import Mean
from leyden.metrics.mean_average_precision import MeanAveragePrecision
from leyden.metrics.nats_per_unit import NatsPerUnit
from leyden.metrics.perplexity import Perplexity
from leyden.metrics.present_classes import PresentAveragePrecision, PresentF1

TASKS = [one for one in vars(models).values() if isinstance(one, type) and issubclass(one, models.Task)]
ARGUMENTS = {
    "network": nn.Linear(1, 1),
    "class_names": ["a", "b"],
    "token_bytes": [b"", b"a"],
    "alphabet": ["", "a"],
    "separator": "",
    "sample_rate": 1,
    "ignore_index": 255,
    "image_size": (8, 8),
}


def test_one_value_of_four_that_is_not_a_number_makes_the_mean_none():
    for metric in (Mean(), NatsPerUnit(), Perplexity()):
        metric.update(torch.tensor([0.5, torch.nan, 0.5, 0.5]), torch.ones(4, dtype=torch.int64))
        assert metric.compute().isnan()
    mean = Mean()
    mean.update(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 0.0, 1.0]))
    assert mean.compute() == 2.5


@pytest.mark.parametrize("task", [one for one in TASKS if one is not models.Task])
def test_no_task_leaves_such_values_out(task):
    known = {name: value for name, value in ARGUMENTS.items() if name in task.__init__.__annotations__}
    metrics = list(task(**known, optimizer=torch.optim.SGD).modules())
    assert not any(isinstance(one, MeanMetric) for one in metrics)
    assert any(isinstance(one, Mean | MeanAveragePrecision) for one in metrics)


@pytest.mark.parametrize("metric", [PresentAveragePrecision, PresentF1])
def test_probabilities_that_are_not_numbers(metric):
    one = metric(2)
    one.update(torch.tensor([[0.9, 0.1], [torch.nan, torch.nan]]), torch.tensor([[1, 0], [0, 1]]))
    assert one.compute().isnan()


def test_nothing_has_no_perplexity():
    metric = Perplexity()
    metric.update(torch.ones(3), torch.zeros(3, dtype=torch.int64))
    assert metric.compute().isnan()
