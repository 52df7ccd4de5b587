"""All errors of a small project's configuration are reported with their origin, and nothing else."""

import pytest

from leyden.config.check import problems
from leyden.config.compose import compose

THINGS = """
from typing import Literal

class Data:
    provides = ("num_classes",)
    def __init__(self, size: int, mode: Literal["even", "odd"] = "even"):
        if size < 1:
            raise ValueError(f"size is {size}; it must be at least 1")

class Samples(Data):
    provides = (*Data.provides, "num_samples")
    def __init__(self, path: str = "here", **data):
        super().__init__(**data)

class Network:
    def __init__(self, num_classes: int, width: int = 4): ...

class Asking:
    def __init__(self, value: float = 0.0):
        if not isinstance(value, (float, str)):
            raise TypeError("value")

class Sound:
    def __init__(self, sample_rate: int): ...

class Model:
    def __init__(self, network, optimizer): ...

def optimizer(parameters, rate: float): ...

class Trainer:
    def __init__(self, steps: int | None = None): ...

class Launcher: ...
"""

CONFIGS = {
    "train.yaml": "defaults:\n  - _self_\n  - data: samples\n  - model: plain\n  - trainer: slow\n  - launcher: here\n  - experiment: null\nseed: 0\nname: x\n",
    "data/samples.yaml": "_target_: MODULE.Samples\nsize: 3\n",
    "model/plain.yaml": (
        "_target_: MODULE.Model\nnetwork:\n  _target_: MODULE.Network\n"
        "optimizer:\n  _target_: MODULE.optimizer\n  _partial_: true\n  rate: 0.1\n"
    ),
    "trainer/slow.yaml": "_target_: MODULE.Trainer\nsteps: 3\n",
    "launcher/here.yaml": "_target_: MODULE.Launcher\n",
    "experiment/bad.yaml": "# @package _global_\ndata:\n  syze: 4\ntrainer:\n  steps: many\n",
}


@pytest.fixture
def messages(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    module = f"things_{tmp_path.name}"
    (tmp_path / f"{module}.py").write_text(THINGS)
    for name, text in CONFIGS.items():
        path = tmp_path / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("MODULE", module))
    return lambda *words: problems(compose([word.replace("MODULE", module) for word in words], tmp_path))


def test_valid_configuration(messages):
    assert messages() == messages("data.mode=odd", "trainer.steps=null", "model.network.width=8") == []


def test_all_errors_are_reported_with_origin(messages):
    assert messages("experiment=bad", "data.size=0", "data.mode=evn", "sed=1") == [
        "override  sed=1: there is no setting 'sed'; did you mean 'seed'?",
        "configs/experiment/bad.yaml:3  data.syze = 4: Samples has no argument 'syze'; did you mean 'size'?",
        "override  data.mode=evn: Samples expects one of even, odd; did you mean 'even'?",
        "override  data.size=0: size is 0; it must be at least 1",
        "configs/experiment/bad.yaml:5  trainer.steps = many: Trainer expects int or null",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["~data.size"], "Samples needs 'size'; set data.size=VALUE"),
        (["data.size=???"], "Samples needs 'size'; set data.size=VALUE"),
        (["~model.optimizer"], "Model needs 'optimizer'"),
        (["model.network._target_=MODULE.Netwerk"], "there is no 'Netwerk' in things_"),
        (["model.network._target_=torhc.nn.Linear"], "no 'torhc' among the installed packages; did you mean 'torch'"),
        (
            ["model.network._target_=MODULE.Sound"],
            "Sound needs 'sample_rate', which Samples does not provide (it provides num_samples, num_classes); "
            "set model.network.sample_rate=VALUE, or choose data that provides it",
        ),
        (["seed=-1"], "expected seed to be at least 0 and below 2**32, got -1"),
        (["data.size=[3]"], "Samples expects int"),
        (["trainer.steps=2.5"], "Trainer expects int or null"),
        (["data=null"], "the configuration has no 'data'"),
        (["trainer.logger=true"], "trainer.logger is set by the run"),
        (["trainer.default_root_dir=elsewhere"], "choose another folder for all runs with runs=FOLDER"),
    ],
)
def test_single_error(messages, words, message):
    assert any(message in line for line in messages(*words)), messages(*words)


def test_partial_call_may_lack_arguments(messages):
    assert messages("~model.optimizer.rate") == []


def test_unreadable_class_is_not_checked(messages):
    assert messages("model.network={_target_: numpy.ndarray, shape: 3, nonsense: 1}") == []


def test_type_tested_by_the_constructor_is_accepted(messages):
    assert messages("model.network={_target_: MODULE.Asking, value: random}") == []
    assert "Asking expects float" in messages("model.network={_target_: MODULE.Asking, value: [1]}")[0]
