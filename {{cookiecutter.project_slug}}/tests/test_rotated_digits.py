from math import pi

import pytest
import torch
from leyden import Batch

from {{ cookiecutter.package_name }}.data.rotated_digits import RotatedDigits, rotate
from {{ cookiecutter.package_name }}.networks.angle_convnet import AngleConvNet
from {{ cookiecutter.package_name }}.tasks.angle_regression import AngleRegression

NETWORK = AngleConvNet(in_channels=1, image_size=16)


def test_data():
    assert [len(RotatedDigits().load(split)) for split in ("train", "test")] == [5760, 1456]
    upright, turned = rotate(torch.rand(1, 1, 8, 8).expand(2, 1, 8, 8), torch.tensor([0.0, pi / 2]))
    torch.testing.assert_close(turned, upright.rot90(dims=(1, 2)))  # counterclockwise


def test_network():
    assert NETWORK(torch.rand(3, 1, 16, 16)).shape == (3, 2)


def test_task():
    task = AngleRegression(NETWORK, optimizer=torch.optim.AdamW)
    task.forward, task.log = (lambda inputs: inputs), (lambda *_, **__: None)
    batch = Batch(torch.tensor([[3.0, 0.0], [-1.0, 0.0]]), torch.tensor([pi / 2, -3.0]))  # angles of 0 and pi
    assert task.evaluate(batch, "test").per_sample_loss.tolist() == pytest.approx([1.0, 0.0100075])
    assert task.test_error_degrees.compute().item() == pytest.approx((90 + 8.1127) / 2)
