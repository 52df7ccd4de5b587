import torch

from leyden.data.split import stratified_split


def test_each_class_is_split_in_proportion():
    targets = torch.tensor([0] * 100 + [1] * 20 + [2])
    larger, smaller = stratified_split(targets, 0.1, seed=0)
    assert sorted(larger + smaller) == list(range(121))
    assert targets[smaller].bincount(minlength=3).tolist() == [10, 2, 0]


def test_the_seed_decides():
    targets = torch.zeros(50, dtype=torch.int64)
    assert stratified_split(targets, 0.2, seed=1) == stratified_split(targets, 0.2, seed=1)
    assert stratified_split(targets, 0.2, seed=1) != stratified_split(targets, 0.2, seed=2)
