import ast

import pytest

from leyden.config.static.guards import constructor_errors
from leyden.config.static.signature import signature
from leyden.config.static.source import load

CLASSES = """
class Base:
    def __init__(self, size=4, rate=0.1, mode="fast"):
        if size < 1:
            raise ValueError(f"size is {size}; it must be at least 1")
        if not 0 <= rate < 1:
            raise ValueError("rate %s" % rate)
        elif mode not in ("fast", "slow"):
            raise ValueError(f"mode is {mode!r}")

class Passing(Base):
    def __init__(self, width: int, depth=2, **base):
        if width % depth:
            raise ValueError("width does not divide")
        super().__init__(rate=depth / 10, **base)

def at_least(value, least):
    if value < least:
        raise ValueError(f"expected at least {least}, got {value}")

class Part:
    def __init__(self, size, rate=0):
        at_least(size, 1)
        at_least(rate, 0)

class Calling:
    def __init__(self, width, rate=0, is_known=True):
        half = width / 2 * 2
        self.parts = [Part(half if is_known else 1, rate=rate)] if is_known else Part(width)
        part = Part(width=width, rate=rate) if False else None
        if is_known:
            self.part = Part(width, rate)

class Returning:
    def __init__(self, size, quick=True):
        if quick:
            return
        if size < 1:
            raise ValueError("too small")

class Careful:
    def __init__(self, low, high=None, scale=1, kind=3):
        if high is None:
            high = 2 * low
        if high < low:
            raise ValueError("high is below low")
        if isinstance(scale, str) or scale < 0:
            raise TypeError(unknown(scale))
        if looked_up(low):
            return
        if low < 0:
            raise ValueError("perhaps never reached")
"""


@pytest.fixture
def refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / f"guarded_{tmp_path.name}.py").write_text(CLASSES)
    return lambda name, **given: list(constructor_errors(signature(f"guarded_{tmp_path.name}.{name}"), given))


def test_conditions_and_messages(refused):
    assert refused("Base") == refused("Base", size=1, rate=0.5, mode="slow") == []
    assert refused("Base", size=0) == [("size", "size is 0; it must be at least 1")]
    assert refused("Base", size=-1, mode="x") == [
        ("size", "size is -1; it must be at least 1"),
        ("mode", "mode is 'x'"),
    ]
    assert refused("Base", rate=2, mode="x") == [("rate", "rate 2")]


def test_constructors_of_bases(refused):
    assert refused("Passing", width=4, size=2) == []
    assert refused("Passing", width=3) == [("width", "width does not divide")]
    assert refused("Passing", width=4, size=0) == [("size", "size is 0; it must be at least 1")]
    assert refused("Passing", width=20, depth=20) == [("depth", "rate 2.0")]


def test_uncertain_values_are_accepted(refused):
    assert refused("Base", size=...) == refused("Base", size="x") == []
    assert refused("Passing", width=..., size=...) == []
    assert refused("Careful", low=3) == refused("Careful", low=-1, high=1) == []
    assert refused("Careful", low=-1) == [("low", "high is below low")]
    assert refused("Returning", size=0) == refused("Returning", size=0, quick=...) == []
    assert refused("Returning", size=0, quick=False) == [("size", "too small")]


def test_unconditional_calls_are_followed_within_the_package(refused):
    assert refused("Calling", width=3) == refused("Calling", width=3, rate=...) == []
    assert refused("Calling", width=0) == [("width", "expected at least 1, got 0")]
    assert refused("Calling", width=2, rate=-1) == [("rate", "expected at least 0, got -1")]
    assert refused("Calling", width=-4, is_known=False) == []


@pytest.mark.parametrize(
    ("target", "given", "message"),
    [
        ("lightning.pytorch.Trainer", {"accumulate_grad_batches": 0}, "expected at least 1, got 0"),
        ("lightning.pytorch.Trainer", {"limit_val_batches": 0.0}, "no checkpoint could be chosen as the best"),
        ("lightning.pytorch.Trainer", {"max_steps": 0}, "expected at least 1, or -1"),
        (
            "lightning.pytorch.Trainer",
            {"accelerator": "cpu", "devices": [1, 2]},
            "expected a number of processes on the CPU, got the device indices [1, 2]",
        ),
        ("lightning.pytorch.Trainer", {"accelerator": "cpu", "devices": -1}, "expected at least 1, got -1"),
        ("lightning.pytorch.callbacks.EarlyStopping", {"monitor": "x", "patience": -1}, "expected at least 0, got -1"),
        ("lightning.pytorch.callbacks.ModelCheckpoint", {"mode": "mim"}, "did you mean 'min'?"),
        ("torchvision.transforms.v2.Normalize", {"mean": [0], "std": [-1]}, "expected std above 0"),
        ("torch.optim.lr_scheduler.StepLR", {"step_size": 0}, "expected at least 1, got 0"),
        ("torch.optim.lr_scheduler.CosineAnnealingLR", {"T_max": 0}, "expected at least 1, got 0"),
    ],
)
def test_library_guards(target, given, message):
    name = list(given)[-1]
    assert [(found, message in text) for found, text in constructor_errors(signature(target), given)] == [(name, True)]


LIBRARY_GUARDS = "leyden.config.static.library_guards"


def test_calls_of_this_library_are_followed_from_a_project(tmp_path, monkeypatch):
    (tmp_path / "calls_the_library.py").write_text(
        "from leyden.optim import warmup_cosine\n"
        "from torch.nn import Dropout\n"
        "class Own:\n"
        "    def __init__(self, fraction=0.1, rate=0.1):\n"
        "        self.schedule = warmup_cosine(None, 10, warmup_fraction=fraction)\n"
        "        self.dropout = Dropout(rate)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = list(constructor_errors(signature("calls_the_library.Own"), {"fraction": 2, "rate": 3}))
    assert found == [("fraction", "warmup_fraction is 2; it must be at least 0 and below 1")]


def test_library_guards_match_existing_classes():
    for name, (node,) in load(LIBRARY_GUARDS).names.items():
        if name[0].isupper():
            guard = signature(f"{LIBRARY_GUARDS}.{name}")
            assert guard.parameters.keys() <= signature(ast.get_docstring(node)).parameters.keys()


def test_strategies_and_accelerators_match_lightning():
    from lightning.pytorch.accelerators import AcceleratorRegistry
    from lightning.pytorch.strategies import StrategyRegistry

    trainer = signature("lightning.pytorch.Trainer")
    for name in ("auto", *StrategyRegistry.available_strategies()):
        assert list(constructor_errors(trainer, {"strategy": name})) == []
    for name in ("auto", "gpu", *AcceleratorRegistry.available_accelerators()):
        assert list(constructor_errors(trainer, {"accelerator": name})) == []


def test_messages_that_cannot_be_evaluated(refused):
    assert refused("Careful", low=1, scale=-1) == [
        ("scale", "refused by the check `isinstance(scale, str) or scale < 0`")
    ]
