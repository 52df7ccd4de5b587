import pytest
from torch import nn

from leyden.config.build import build
from leyden.errors import RunError, UserError

LINEAR = {"_target_": "torch.nn.Linear", "out_features": "???"}


def test_required_and_missing_arguments_are_provided():
    linear = build(LINEAR, {"in_features": 2, "out_features": 3, "bias": False})
    assert linear.weight.shape == (3, 2)
    assert linear.bias is not None  # it has a default, so it is not provided


def test_configured_values_take_precedence():
    assert build(LINEAR | {"in_features": 5}, {"in_features": 2, "out_features": 3}).in_features == 5


def test_nested_and_listed_objects():
    config = {"_target_": "torch.nn.Sequential", "_args_": [LINEAR, {"_target_": "torch.nn.ReLU"}]}
    network = build(config, {"in_features": 2, "out_features": 3})
    assert isinstance(network[1], nn.ReLU)
    assert network[0].out_features == 3


def test_extra_objects():
    relu = nn.ReLU()
    assert build({"_target_": "builtins.dict", "a": [1]}, {}, b=relu) == {"a": [1], "b": relu}


def test_configuration_is_not_changed():
    before = dict(LINEAR)
    build(LINEAR, {"in_features": 2, "out_features": 3})
    assert before == LINEAR


def test_missing_value_is_reported():
    with pytest.raises(UserError, match="a value for out_features is missing"):
        build(LINEAR | {"in_features": 1}, {})


def test_partial_targets():
    half = build({"_target_": "builtins.dict", "_partial_": True, "a": {"_target_": "builtins.list"}}, {}, c=3)
    assert half(b=2) == {"a": [], "b": 2, "c": 3}


def test_recursive_false():
    inner = {"_target_": "builtins.list"}
    assert build({"_target_": "builtins.dict", "_recursive_": False, "_convert_": "all", "a": inner}, {}) == {
        "a": inner
    }
    assert build({"a": [inner]}, {}) == {"a": [[]]}


@pytest.mark.parametrize("target", ["torch.nn.Conv2d", "lightning.pytorch.callbacks.ModelCheckpoint"])
def test_constructor_error_is_a_run_error(target):
    wrong = (
        {"in_channels": 3, "out_channels": 4, "kernel_size": 1, "groups": 2} if "nn" in target else {"save_top_k": -3}
    )
    with pytest.raises(RunError, match=r"(Conv2d: in_channels must be|ModelCheckpoint: Invalid value)"):
        build({"_target_": target, **wrong}, {})


class Picky:
    def __init__(self, bundle):
        raise UserError(f"there is no bundle {bundle!r}")


def test_user_error_of_constructor_is_raised():
    with pytest.raises(UserError, match=r"^there is no bundle 'x'$"):
        build({"_target_": f"{__name__}.Picky", "bundle": "x"}, {})


@pytest.mark.parametrize(
    "text", ["${x}", "a${", "${", "$x", "\\${x}", "\\\\${x}", "a\\b", "\\", "}${a}\\", "^(\\d+)$", "${oc.env:HOME}"]
)
def test_strings_that_look_like_interpolations_are_kept(text):
    assert build({"_target_": "builtins.dict", "a": text, "b": [text], "c": {"d": text}}, {"e": text}) == {
        "a": text,
        "b": [text],
        "c": {"d": text},
    }


def test_target_that_cannot_be_imported():
    with pytest.raises(UserError, match=r"^torch.opttim.AdamW cannot be imported"):
        build({"_target_": "torch.opttim.AdamW"}, {})
