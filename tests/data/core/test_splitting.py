import json

import pytest
import torch

from leyden.data import DataError, DataModule
from leyden.data.core.account import Account
from leyden.data.core.samples import TensorSamples
from leyden.data.core.split import stratified_split

SIZES = {"train": 60, "validation": 9, "test": 12}


class Numbers(DataModule):
    """Sample n of a split is [n]; its class is n modulo 3, its text is the split and n, or only n if it is shared."""

    def __init__(self, splits=("train", "test"), groups=None, shared=(), **loading):
        super().__init__(**loading)
        self.splits, self.groups, self.shared = splits, groups, shared

    def official_splits(self):
        return self.splits

    def load(self, split):
        self.class_names = ["a", "b", "c"]
        numbers = torch.arange(SIZES[split])
        samples = TensorSamples(numbers.unsqueeze(1), numbers % 3)
        samples.groups = self.groups if split == "train" else None
        return samples

    def count_samples(self):
        return Account("numbers", {split: SIZES[split] for split in self.splits}, {})

    def sources(self, split):
        return [str(n) if n in self.shared else f"{split} {n}" for n in range(SIZES[split])]


def ready(*stages, **options):
    data = Numbers(**options)
    for stage in stages:
        data.setup(stage)
    return data


def test_an_official_validation_split_is_used_whole():
    data = ready("fit", "test", splits=("train", "validation", "test"))
    assert {stage: len(samples) for stage, samples in data.samples.items()} == SIZES
    assert data.class_counts == [20, 20, 20]
    assert data.split(torch.zeros(5)) == ([0, 1, 2, 3, 4], [])


def test_without_one_the_same_samples_as_ever_are_held_out():
    data = ready("fit")
    training, validation = stratified_split(torch.arange(60) % 3, 0.1, seed=0)
    assert data.samples["train"].indices == training
    assert data.samples["validation"].indices == validation


def test_samples_of_one_group_stay_together():
    groups = torch.arange(60) // 6
    data = ready("fit", groups=groups)
    parts = [set(groups[data.samples[split].indices].tolist()) for split in ("train", "validation")]
    assert [len(part) for part in parts] == [9, 1]
    assert not parts[0] & parts[1]


def test_without_a_test_split_training_is_set_up_and_a_test_is_refused(log):
    data = ready("fit", splits=("train", "validation"))
    message = "there is no test split, so nothing is tested. To test: add a test split to the dataset"
    assert message in log.text
    with pytest.raises(DataError, match=message):
        data.setup("test")


def test_samples_are_reported_once_and_kept_in_the_run_directory(log, tmp_path):
    data = ready("fit", "fit", "test", "validate", shared={3, 4})
    texts = [record.getMessage() for record in log.records]
    assert len(texts) == 1
    first, *notes = texts[0].splitlines()
    assert first == "data numbers: train 54, validation 6 (held out: data.validation_fraction=0.1), test 12"
    assert notes[-1] == "warning: 2 samples of the test split are also in the train split, such as '3'"
    data.save(tmp_path)
    kept = json.loads((tmp_path / "data.json").read_text())
    assert kept["account"]["samples"] == {"train": 54, "validation": 6, "test": 12}
    assert kept["account"]["notes"] == notes
    assert "account" not in data.state()  # a run may continue with other files of the same classes


def test_what_splits_share_is_looked_for_by_the_first_process_alone(log, tmp_path, monkeypatch):
    ready("fit", shared={3}).save(tmp_path)
    log.clear()
    monkeypatch.setattr(Numbers, "sources", None)
    data = Numbers()
    data.restore(tmp_path)
    data.setup("fit")
    assert "1 samples of the test split are also in the train split" in log.text


def folds(num_folds, **options):
    return [ready("fit", fold=fold, num_folds=num_folds, **options) for fold in range(num_folds)]


@pytest.mark.parametrize("splits", [("train",), ("train", "test"), ("train", "validation", "test")])
def test_each_training_sample_is_tested_in_one_fold(splits):
    tested = []
    for data in folds(5, splits=splits):
        parts = {split: getattr(samples, "indices", None) for split, samples in data.samples.items()}
        assert len(parts["test"]) == 12
        assert data.class_counts == [16 if parts["validation"] is None else 14] * 3
        if "validation" in splits:
            assert len(data.samples["validation"]) == SIZES["validation"]
            assert parts.pop("validation") is None
        assert sorted(index for part in parts.values() for index in part) == list(range(60))
        tested += parts["test"]
    assert sorted(tested) == list(range(60))


def test_folds_are_those_of_another_process_and_of_any_seed():
    data = ready("fit", fold=2, num_folds=4)
    for other in (ready("test", fold=2, num_folds=4), ready("test", fold=2, num_folds=4, seed=7)):
        assert other.samples["test"].indices == data.samples["test"].indices
    assert ready("test", fold=2, num_folds=4, split_seed=1).samples["test"].indices != data.samples["test"].indices


def test_groups_are_in_one_split_of_each_fold():
    groups = torch.arange(60) // 6
    for data in folds(5, groups=groups):
        parts = [set(groups[samples.indices].tolist()) for samples in data.samples.values()]
        assert sum(map(len, parts)) == len(set().union(*parts)) == 10
        assert len(parts[-1]) == 2


def test_samples_of_a_fold_are_reported(log):
    data = ready("fit", fold=1, num_folds=5, shared={3})
    line, note = log.text.splitlines()[-2:]
    assert "train 42, validation 6 (held out: data.validation_fraction=0.1), test 12 (fold 1 of 5)" in line
    assert note.endswith("the official test split is not used: 12 samples")
    assert data.account["samples"] == {"train": 42, "validation": 6, "test": 12}


class RareClass(Numbers):
    """Sample 5 alone is of class c."""

    def load(self, split):
        samples = super().load(split)
        numbers = torch.arange(len(samples))
        samples.targets = torch.where(numbers == 5, 2, numbers % 2)
        return samples


class WithoutAccount(RareClass):
    def count_samples(self):
        return None


@pytest.mark.parametrize("kind", [RareClass, WithoutAccount])
@pytest.mark.parametrize("groups", [None, torch.arange(60) // 3])
def test_a_class_without_a_training_sample_in_a_fold_is_reported_once(kind, groups, log):
    has_lost = []
    for fold in range(5):
        log.clear()
        data = kind(groups=groups, fold=fold, num_folds=5)
        for stage in ("fit", "fit", "test"):
            data.setup(stage)
        has_lost.append(5 not in data.samples["train"].indices)
        warning = "the train split has no sample of 1 of 3 classes ('c')"
        assert log.text.count(warning) == has_lost[-1]
    assert has_lost.count(True) >= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fold": 0}, "num_folds is not set"),
        ({"num_folds": 5}, "fold is not set"),
        ({"fold": 5, "num_folds": 5}, "below num_folds=5"),
        ({"fold": 0, "num_folds": 1}, "at least 2"),
        ({"fold": 0, "num_folds": 2, "stream": "x"}, "not supported with data.stream"),
    ],
)
def test_wrong_folds(options, message):
    with pytest.raises(ValueError, match=message):
        Numbers(**options)


class Wrong(Numbers):
    def load(self, split):
        self.class_names = ["a"]
        return torch.ones(3), torch.zeros(3)


class Empty(DataModule):
    pass


def test_what_a_dataset_returns_or_lacks_is_named():
    with pytest.raises(DataError, match=r"Wrong.load\('train'\): expected samples, .* got tuple"):
        Wrong().setup("fit")
    with pytest.raises(DataError, match=r"Empty does not implement load"):
        Empty().setup("fit")
    with pytest.raises(DataError, match=r"Empty does not implement batch_transform"):
        Empty().batch_transform("train")
