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
