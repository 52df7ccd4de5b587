import pytest
import torch

from leyden.tasks.class_weights import balanced_weights


def test_every_class_weighs_the_same_in_sum():
    weights = balanced_weights([4, 1])
    assert weights.tolist() == pytest.approx([5 / 8, 5 / 2])
    assert (weights * torch.tensor([4, 1])).tolist() == pytest.approx([2.5, 2.5])


def test_a_class_without_a_sample_counts_for_nothing():
    assert balanced_weights([4, 0, 1]).tolist() == pytest.approx([5 / 8, 0, 5 / 2])
