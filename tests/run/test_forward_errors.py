"""An exception in a network is reported by the module, its inputs and the line of the project's code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from thin_project import SMALL, ThinProject
from torch import nn, zeros

from leyden.run.forward_errors import explain_forward

BROKEN = """
import torch
from torch import nn


class Broken(nn.Module):
    def __init__(self, num_classes: int, in_channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(in_channels, 4, 3), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(10, num_classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        inputs = self.body(inputs)
        return self.head(inputs)
"""
LINE = BROKEN.splitlines().index("        return self.head(inputs)") + 1


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    project = ThinProject(tmp_path_factory.mktemp("broken"))
    (project.source / "broken.py").write_text(BROKEN)
    words = [*SMALL[:-1], f"model.network={{_target_:{project.package}.broken.Broken}}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(project.root / "src"), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-m", "leyden", "train", *words],
        cwd=project.root, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    return project, done


def test_the_terminal_ends_with_module_inputs_and_line(failed):
    project, done = failed
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    *_, reason, where = done.stderr.strip().splitlines()
    shape = "float32 (64, 144)"
    assert reason.startswith(
        f"model.network.head (Linear) failed with inputs {shape}, at src/{project.package}/broken.py:{LINE}: "
    )
    assert "mat1 and mat2 shapes cannot be multiplied" in reason
    assert where.startswith("The whole traceback is in ")


def test_the_log_of_the_run_has_the_traceback(failed):
    project, _ = failed
    (folder,) = (project.root / "runs").glob("*/*/2*")
    text = (folder / "log.txt").read_text()
    assert "Traceback (most recent call last)" in text
    assert "model.network.head (Linear) failed" in text
    assert "cannot be multiplied" in json.loads((folder / "status.json").read_text())["error"]


class Holder:
    """Holds a network as a task does."""

    def __init__(self, network):
        self.network = network

    def step(self, *inputs):
        return self.network(*inputs)


class OwnLine(nn.Module):
    def forward(self, images, lengths=None):
        images = images[:, 0]
        return images.no_such_thing


def explained(network, *inputs):
    try:
        Holder(network).step(*inputs)
    except Exception as error:
        return explain_forward(error, Path(__file__).parents[1])
    raise AssertionError("nothing failed")


def test_inputs_are_those_that_were_passed():
    text = explained(OwnLine(), [zeros(1, 2)] * 5, None)
    assert text.startswith(
        "model.network (OwnLine) failed with inputs [float32 (1, 2), float32 (1, 2), float32 (1, 2), …], None, at tests/run/test_forward_errors.py:"
    )
    text = explained(nn.Sequential(nn.Identity(), OwnLine()), zeros(4, 3))
    assert text.startswith("model.network.1 (OwnLine) failed with inputs float32 (4, 3), at ")
    assert text.endswith("AttributeError: 'Tensor' object has no attribute 'no_such_thing'")


def test_other_exceptions_are_not_explained():
    class Task(Holder):
        def step(self):
            raise ValueError("elsewhere")

    with pytest.raises(ValueError, match="elsewhere") as raised:
        Task(nn.Identity()).step()
    assert explain_forward(raised.value, Path.cwd()) == ""
