from typing import NamedTuple

import torch
from torch import Tensor

from leyden.data import Batch


class Pair:
    """A target that is not a single tensor."""

    def sample(self, number):
        return f"target {number}"


def test_a_sample_has_no_padding():
    batch = Batch(torch.tensor([[1, 2, 0], [3, 4, 5]]), torch.tensor([7, 8]), torch.tensor([2, 3]))
    inputs, target = batch.sample(0)
    assert inputs.tolist() == [1, 2]
    assert target == 7


def test_samples_of_one_size_and_other_targets():
    inputs, target = Batch(torch.eye(3), Pair()).sample(2)
    assert inputs.tolist() == [0, 0, 1]
    assert target == "target 2"


def test_all_of_it_goes_to_a_device():
    class Boxes(NamedTuple):
        corners: Tensor
        names: list[str]

    moved = Batch(torch.zeros(2), Boxes(torch.ones(1), ["a"])).to(torch.device("meta"))
    assert moved.inputs.device.type == moved.targets.corners.device.type == "meta"
    assert moved.targets.names == ["a"]
    assert moved.lengths is None
