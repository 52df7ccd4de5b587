import json
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from leyden.config.compose import compose, options
from leyden.errors import UserError
from leyden.networks.provides import provides
from leyden.run.preprocessing import FILE, provided, report, taking


def rule(weights=None, size=8):
    if weights == "none":
        raise UserError("there are no weights 'none'")
    return {"image_size": size, "mean": [0.1, 0.2, 0.3]} if weights else {}


@provides(rule)
class Network:
    def __init__(self, num_classes, weights=None, size=8):
        raise AssertionError("the preprocessing is read without building the network")


def config(**arguments):
    network = {"_target_": f"{__name__}.Network", "num_classes": "???", **arguments}
    return {
        "model": {"_target_": "somewhere.Task", "network": {"_target_": "torch.nn.Sequential", "_args_": [network]}}
    }


def test_preprocessing_is_known_before_the_network_is_built():
    assert provided(config()) == {}
    assert provided(config(weights="a")) == {"image_size": 8, "mean": [0.1, 0.2, 0.3]}
    assert provided(config(weights="a", size=9))["image_size"] == 9
    with pytest.raises(UserError, match="there are no weights 'none'"):
        provided(config(weights="none"))
    assert provided({"model": None}) == {}


@pytest.mark.parametrize("network", [name for name, _ in options(Path.cwd())["model"] if name.startswith("vision/")])
def test_preprocessing_of_every_network_without_data(network):
    composed = compose(["experiment=vision/digits", f"model={network}"], Path.cwd())
    assert isinstance(provided(composed.config), dict)


def test_run_stores_preprocessing(tmp_path):
    assert provided(config(), tmp_path) == {}
    assert not list(tmp_path.iterdir())
    found = provided(config(weights="a"), tmp_path)
    assert json.loads((tmp_path / FILE).read_text()) == found
    assert provided(config(weights="a", size=9), tmp_path) == found  # as with a library that has others of the name


def test_null_settings_are_replaced():
    found = {"image_size": 8, "mean": [0.1, 0.2, 0.3]}
    assert taking({"image_size": None, "mean": 0.5}, found) == {"image_size": 8, "mean": 0.5}
    assert taking({"image_size": "???", "std": None}, found) == {"image_size": 8, "std": None}


@pytest.mark.parametrize(
    ("settings", "data", "messages"),
    [
        (
            {"image_size": None, "mean": None},
            {"image_size": 8, "mean": [0.1, 0.2, 0.3]},
            "set by the pretrained weights: data.image_size=8, data.mean=[0.1, 0.2, 0.3]",
        ),
        (
            {"image_size": 4, "mean": 0.5},
            {"image_size": 4, "mean": 0.5},
            "data.image_size=4, data.mean=0.5, but the pretrained weights were trained with image_size=8, "
            "mean=[0.1, 0.2, 0.3]; to use these, set data.image_size=null data.mean=null",
        ),
        ({"image_size": [8, 8], "mean": [0.1, 0.2, 0.3]}, {"image_size": (8, 8), "mean": (0.1, 0.2, 0.3)}, ""),
        ({}, {}, ""),
    ],
)
def test_taken_and_contradicting_settings_are_logged(settings, data, messages, caplog):
    caplog.set_level(logging.INFO, logger="leyden")
    report(SimpleNamespace(**data), settings, {"image_size": 8, "mean": [0.1, 0.2, 0.3], "interpolation": "bicubic"})
    assert "\n".join(record.message for record in caplog.records) == messages
