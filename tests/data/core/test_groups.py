import pytest
import torch

from leyden.data import DataError
from leyden.data.core.groups import group_ids, held_out_split
from leyden.data.core.split import stratified_split


def test_without_groups_the_split_is_that_of_classes():
    classes = torch.arange(60) % 3
    assert held_out_split(classes, None, 0.2, seed=4) == stratified_split(classes, 0.2, seed=4)


def test_groups_stay_together_and_about_the_share_is_held_out():
    groups, classes = torch.arange(400) // 10, torch.arange(400) % 4
    parts = []
    for seed in (0, 0, 1):
        larger, smaller = held_out_split(classes, groups, 0.2, seed)
        assert sorted(larger + smaller) == list(range(400))
        assert not set(groups[larger].tolist()) & set(groups[smaller].tolist())
        assert len(smaller) == 80
        parts.append(smaller)
    assert parts[0] == parts[1] != parts[2]


def test_uneven_groups_come_as_near_as_they_allow():
    groups = group_ids(["long"] * 90 + ["a"] * 4 + ["b"] * 3 + ["c"] * 3)
    _, smaller = held_out_split(torch.zeros(100), groups, 0.1, seed=0)
    assert sorted(smaller) == list(range(90, 100))


def test_the_only_group_of_a_class_stays_in_training():
    groups, classes = torch.arange(40) // 4, torch.zeros(40, dtype=torch.int64)
    classes[12:16] = 1
    for seed in range(8):
        larger, _ = held_out_split(classes, groups, 0.5, seed)
        assert set(range(12, 16)) <= set(larger)
    # If each class has one group, some class must be held out.
    larger, smaller = held_out_split(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 1, 1]), 0.2, seed=0)
    assert len(larger) == len(smaller) == 2


def test_one_group_cannot_be_divided():
    with pytest.raises(DataError, match=r"data\.group puts all samples into one group"):
        held_out_split(torch.zeros(5), torch.zeros(5, dtype=torch.int64), 0.2, seed=0)


def test_names_of_groups():
    assert group_ids(["b", "a", "b"]).tolist() == [1, 0, 1]
