import pytest
import torch

from leyden.data import DataError
from leyden.data.core.folds import fold_of_each


@pytest.mark.parametrize("num_folds", [2, 3, 5, 10])
def test_every_class_and_the_folds_differ_by_one_sample_at_most(num_folds):
    classes = torch.cat([torch.full((count,), label) for label, count in enumerate((1, 7, 50, 13, 400))])
    classes = classes[torch.randperm(len(classes), generator=torch.Generator().manual_seed(1))]
    folds = fold_of_each(classes, None, num_folds, seed=0)
    sizes = folds.bincount(minlength=num_folds)
    assert len(sizes) == num_folds
    assert sizes.max() - sizes.min() <= 1
    for label in classes.unique():
        of_class = folds[classes == label].bincount(minlength=num_folds)
        assert of_class.max() - of_class.min() <= 1


def test_folds_depend_on_their_seed_alone():
    classes = torch.arange(90) % 3
    first, again, other = (fold_of_each(classes, None, 5, seed) for seed in (0, 0, 1))
    assert first.equal(again)
    assert not first.equal(other)


def test_groups_stay_whole_and_classes_are_balanced():
    generator = torch.Generator().manual_seed(0)
    groups = torch.randint(40, (1000,), generator=generator)
    classes = torch.randint(4, (1000,), generator=generator)
    folds = fold_of_each(classes, groups, 5, seed=0)
    assert all(len(folds[groups == group].unique()) == 1 for group in groups.unique())
    for label in range(4):
        share = folds[classes == label].bincount(minlength=5) / (classes == label).sum()
        assert share.min() > 0.13
        assert share.max() < 0.27


def test_no_fold_of_groups_is_empty():
    groups = torch.arange(60) // 10  # each group has one class
    classes = groups % 2
    for num_folds in (2, 3, 5, 6):
        assert fold_of_each(classes, groups, num_folds, seed=0).bincount(minlength=num_folds).min() > 0


def test_measured_values_are_not_classes():
    folds = fold_of_each(torch.arange(100), None, 4, seed=0)
    assert folds.bincount().tolist() == [25] * 4
    assert folds[:4].tolist() != folds[4:8].tolist() or folds[:4].tolist() != folds[8:12].tolist()


def test_fewer_samples_or_groups_than_folds():
    with pytest.raises(DataError, match="only 3 samples to divide"):
        fold_of_each(torch.zeros(3), None, 4, seed=0)
    with pytest.raises(DataError, match="only 3 groups to divide"):
        fold_of_each(torch.zeros(30), torch.arange(30) // 10, 4, seed=0)
