from functools import partial

import pytest
import torch
from torch import nn

from leyden.errors import UserError
from leyden.optim.parameter_groups import parameter_groups
from leyden.tasks import Classification, Task


def test_norms_and_biases_are_not_decayed():
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    decayed, kept = parameter_groups(module)
    assert [parameter.shape for parameter in decayed["params"]] == [(3, 2)]
    assert [tuple(parameter.shape) for parameter in kept["params"]] == [(3,), (3,), (3,)]
    assert kept["weight_decay"] == 0
    assert "weight_decay" not in decayed  # the default of the optimizer


def test_frozen_parameters_are_left_out():
    module = nn.Linear(2, 3)
    module.bias.requires_grad = False
    (group,) = parameter_groups(module)
    assert len(group["params"]) == 1


def three_layers():
    return nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3), nn.Linear(3, 3, bias=False), nn.Linear(3, 2))


def test_layer_decay_scales_each_layer_by_its_distance_from_the_last():
    network = three_layers()
    scales = {p: group["lr_scale"] for group in parameter_groups(network, layer_decay=0.5) for p in group["params"]}
    assert [scales[p] for p in network.parameters()] == [0.25, 0.25, 0.25, 0.25, 0.5, 1.0, 1.0]
    decayed = {p: "weight_decay" not in group for group in parameter_groups(network, 0.5) for p in group["params"]}
    assert [decayed[p] for p in network.parameters()] == [True, False, False, False, True, True, False]


def classification(scheduler, **options):
    optimizer = partial(torch.optim.SGD, lr=0.8)
    names = {"network": three_layers(), "class_names": ["a", "b"]}
    return Classification(optimizer=optimizer, scheduler=scheduler, **names, **options)


def test_the_optimizer_s_rates_are_scaled_and_scheduled_together():
    scheduler = partial(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.1)
    parts = classification(scheduler, layer_decay=0.5).configure_optimizers()
    rates = lambda: sorted({group["lr"] for group in parts["optimizer"].param_groups})  # noqa: E731
    assert rates() == pytest.approx([0.2, 0.4, 0.8])
    parts["optimizer"].step()
    parts["lr_scheduler"]["scheduler"].step()
    assert rates() == pytest.approx([0.02, 0.04, 0.08])


def test_a_schedule_that_would_undo_the_decay_is_refused():
    scheduler = partial(torch.optim.lr_scheduler.CyclicLR, base_lr=0.1, max_lr=0.8)
    classification(scheduler).configure_optimizers()
    with pytest.raises(UserError, match=r"CyclicLR overwrites the learning rates of model\.layer_decay"):
        classification(scheduler, layer_decay=0.5).configure_optimizers()


@pytest.mark.parametrize("layer_decay", [0, 1.1])
def test_a_decay_out_of_range(layer_decay):
    with pytest.raises(ValueError, match="layer_decay is"):
        classification(None, layer_decay=layer_decay)


class Weighted(Task):
    """Also trains a weight of its loss."""

    def __init__(self, **options):
        super().__init__(**options)
        self.weight = nn.Parameter(torch.zeros(()))
        self.head = nn.Linear(2, 2)


def test_parameters_of_a_task_are_trained_as_those_of_its_network():
    task = Weighted(network=nn.Linear(2, 2), optimizer=partial(torch.optim.SGD, lr=0.1, weight_decay=0.5))
    groups = task.configure_optimizers().param_groups
    trained = [parameter for group in groups for parameter in group["params"]]
    assert {id(one) for one in trained} == {id(one) for one in task.parameters()}
    assert len(trained) == 5
    assert [group["weight_decay"] for group in groups] == [0.5, 0.0, 0.5, 0.0]
