"""Signatures read from source equal those of `inspect`, for all public names of the libraries in use."""

import subprocess
import sys

import pytest

from leyden.config.static.signature import signature

FUNCTIONS = """
def vanishing(a, **kwargs): ...
def insensitive(*args, **kwargs): ...
def picking(a, **kwargs):
    return kwargs.get("b")
def refusing(a, **kwargs):
    b = kwargs.pop("b", 1)
    if kwargs:
        raise ValueError(f"unexpected {sorted(kwargs)}")
def kept(**kwargs):
    self.kwargs = kwargs
def noted(a, **kwargs):
    save_hyperparameters(locals())
def with_defaults(**kwargs):
    kwargs = {**dict(a=1), **kwargs}
    return vanishing(**kwargs)
def both(**kwargs):
    return Thing.make(1, **kwargs), picking(**kwargs)
class Thing:
    @classmethod
    def make(cls, first, c=2, **kwargs): ...
"""

LIBRARIES = [
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.nn",
    "torch.nn.init",
    "torchvision.models",
    "torchvision.models.detection",
    "torchvision.models.segmentation",
    "torchvision.datasets",
    "torchvision.ops",
    "torchvision.transforms",
    "torchvision.transforms.v2",
    "torchaudio.transforms",
    "torchaudio.datasets",
    "torchaudio.models",
    "torchaudio.functional",
    "torchmetrics",
    "torchmetrics.classification",
    "torchmetrics.regression",
    "torchmetrics.text",
    "torchmetrics.audio",
    "lightning.pytorch",
    "lightning.pytorch.callbacks",
    "lightning.pytorch.loggers",
    "lightning.pytorch.strategies",
    "lightning.pytorch.profilers",
    "lightning.pytorch.plugins",
]

COMPARISON = """
import importlib, inspect, json, sys, time, warnings
warnings.simplefilter("ignore")
from leyden.config.static.signature import signature
from leyden.config.static.source import NameMissingError

def public(module):
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    return [name for name in names if inspect.isclass(getattr(module, name, None)) or inspect.isfunction(getattr(module, name, None))]

def required(parameter):
    return parameter.default is parameter.empty

wrong, num_read, num_names, skipped, seconds = [], 0, 0, [], 0.0
for library in sys.argv[1:]:
    module = importlib.import_module(library)
    for name in public(module):
        num_names += 1
        dotted = f"{library}.{name}"
        start = time.perf_counter()
        try:
            ours = signature(dotted)
        except NameMissingError as error:
            wrong.append(f"{dotted} is reported as missing")
            continue
        finally:
            seconds += time.perf_counter() - start
        try:
            theirs = list(inspect.signature(getattr(module, name)).parameters.values())
        except (ValueError, TypeError):
            theirs = None
        if ours is None or theirs is None:
            skipped.append(dotted)
            continue
        is_open = any(parameter.kind is parameter.VAR_KEYWORD for parameter in theirs)
        named = {p.name: required(p) for p in theirs if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
        read = {key: p.is_required for key, p in ours.parameters.items()}
        if is_open:
            read = {key: value for key, value in read.items() if key in named}
        num_read += not ours.is_open
        if read != named or (ours.is_open and not is_open):
            wrong.append(f"{dotted}: read {read}, is {named}")
print(json.dumps({"wrong": wrong, "num_read": num_read, "num_names": num_names, "seconds": seconds, "skipped": skipped}))
"""


@pytest.fixture(scope="module")
def comparison() -> dict:
    import json

    command = [sys.executable, "-c", COMPARISON, *LIBRARIES]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("name", "accepted", "is_open"),
    [
        ("vanishing", "a", False),
        ("insensitive", "", True),
        ("picking", "a b", False),
        ("refusing", "a b", False),
        ("kept", "", True),
        ("noted", "a", True),
        ("with_defaults", "a", False),
        ("both", "a b c", False),
    ],
)
def test_arguments_through_kwargs(name, accepted, is_open, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    module = f"keywords_{tmp_path.name}"
    (tmp_path / f"{module}.py").write_text(FUNCTIONS)
    read = signature(f"{module}.{name}")
    assert (" ".join(sorted(read.parameters)), read.is_open) == (accepted, is_open)


DETECTORS = ["fasterrcnn_mobilenet_v3_large_320_fpn", "retinanet_resnet50_fpn", "fcos_resnet50_fpn", "ssd300_vgg16"]


@pytest.mark.parametrize("name", [*DETECTORS, "ssdlite320_mobilenet_v3_large", "maskrcnn_resnet50_fpn"])
def test_no_setting_of_a_detector_is_ignored(name):
    read = signature(f"torchvision.models.detection.{name}")
    assert not read.is_open
    assert {"num_classes", "weights_backbone", "detections_per_img" if "ssd" in name else "min_size"} - {
        *read.parameters,
        "box_detections_per_img",
    } == set()


@pytest.mark.slow
def test_no_signature_disagrees_with_python(comparison: dict) -> None:
    assert comparison["wrong"] == []


@pytest.mark.slow
def test_most_signatures_are_read(comparison: dict) -> None:
    assert comparison["num_read"] >= 900
