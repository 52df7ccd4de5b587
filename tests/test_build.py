import pytest
from torch import nn

from leyden.build import build
from leyden.errors import UserError

LINEAR = {"_target_": "torch.nn.Linear", "out_features": "???"}


def test_required_and_open_arguments_are_provided():
    linear = build(LINEAR, {"in_features": 2, "out_features": 3, "bias": False})
    assert linear.weight.shape == (3, 2)
    assert linear.bias is not None  # it has a default, so nobody asked for it


def test_what_the_configuration_says_wins():
    assert build(LINEAR | {"in_features": 5}, {"in_features": 2, "out_features": 3}).in_features == 5


def test_nested_and_listed_objects():
    config = {"_target_": "torch.nn.Sequential", "_args_": [LINEAR, {"_target_": "torch.nn.ReLU"}]}
    network = build(config, {"in_features": 2, "out_features": 3})
    assert isinstance(network[1], nn.ReLU)
    assert network[0].out_features == 3


def test_objects_that_no_file_can_describe():
    relu = nn.ReLU()
    assert build({"_target_": "builtins.dict", "a": [1]}, {}, b=relu) == {"a": [1], "b": relu}


def test_the_configuration_is_left_as_it_was():
    before = dict(LINEAR)
    build(LINEAR, {"in_features": 2, "out_features": 3})
    assert before == LINEAR


def test_nothing_is_provided_for_nothing():
    with pytest.raises(Exception, match="out_features"):
        build(LINEAR | {"in_features": 1}, {})


class Picky:
    def __init__(self, bundle):
        raise UserError(f"there is no bundle {bundle!r}")


def test_what_a_constructor_tells_the_user_is_not_hidden():
    with pytest.raises(UserError, match=r"^there is no bundle 'x'$"):
        build({"_target_": f"{__name__}.Picky", "bundle": "x"}, {})
