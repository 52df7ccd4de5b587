from torch import nn

from leyden.models.parameter_groups import parameter_groups


def test_norms_and_biases_are_not_decayed():
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    decayed, kept = parameter_groups(module)
    assert [parameter.shape for parameter in decayed["params"]] == [(3, 2)]
    assert [tuple(parameter.shape) for parameter in kept["params"]] == [(3,), (3,), (3,)]
    assert kept["weight_decay"] == 0
    assert "weight_decay" not in decayed  # the optimizer's own


def test_frozen_parameters_are_left_out():
    module = nn.Linear(2, 3)
    module.bias.requires_grad = False
    (group,) = parameter_groups(module)
    assert len(group["params"]) == 1
