import pytest

from leyden.data.core.split_names import (
    other_names,
    split_in,
    split_of,
    splits_of,
)


@pytest.mark.parametrize(
    ("name", "split"),
    [("Train", "train"), (" training ", "train"), ("DEV", "validation"), ("valid", "validation"), ("Testing", "test")],
)
def test_names_in_any_case(name, split):
    assert split_of(name) == split


def test_names_of_no_split():
    assert not any(map(split_of, ("trainval", "cat", "", "eval", "tests", "train2")))
    assert splits_of(["train", "eval"]) == {"train": "train"}
    assert splits_of(["train", "val", "Eval", "cat"]) == {"train": "train", "val": "validation", "Eval": "test"}


def test_parts_of_longer_names():
    assert split_in("wiki.valid.tokens") == "validation"
    assert split_in("train_5500") == "train"
    assert split_in("train-test") is None
    assert split_in("training set of trains") == "train"
    assert split_in("restrain") is None


def test_other_names_of_a_split():
    assert other_names("val")[:3] == ["val", "Val", "VAL"]
    assert {"valid", "Validation", "dev"} <= set(other_names("val"))
    assert other_names("fold 1") == ["fold 1"]
