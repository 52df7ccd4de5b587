import torch

from leyden.data.core.split import stratified_split


def test_each_class_is_split_in_proportion():
    targets = torch.tensor([0] * 100 + [1] * 20 + [2])
    larger, smaller = stratified_split(targets, 0.1, seed=0)
    assert sorted(larger + smaller) == list(range(121))
    assert targets[smaller].bincount(minlength=3).tolist() == [10, 2, 0]


def test_the_seed_decides():
    targets = torch.zeros(50, dtype=torch.int64)
    assert stratified_split(targets, 0.2, seed=1) == stratified_split(targets, 0.2, seed=1)
    assert stratified_split(targets, 0.2, seed=1) != stratified_split(targets, 0.2, seed=2)


def test_values_that_hardly_repeat_are_split_at_random():
    targets = torch.cat([torch.arange(180), torch.arange(60)])  # of 180 values, 60 occur twice
    larger, smaller = stratified_split(targets, 0.1, seed=0)
    assert len(smaller) == 24
    assert len(larger) == 216
    assert (targets[smaller] >= 60).any()


def test_small_classes_are_classes_still():
    targets = torch.arange(20).repeat_interleave(2)
    assert targets[stratified_split(targets, 0.1, seed=0)[1]].tolist() == list(range(20))
