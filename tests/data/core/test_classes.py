import pytest
import torch

from leyden.data import DataError
from leyden.data.core.classes import Labels, class_counts

SEVERAL = Labels(separator=";")


def test_classes_are_all_that_the_files_name():
    assert Labels().class_names(["dog", "cat", "dog"], ["cat"]) == ["cat", "dog"]


def test_a_class_without_a_training_sample_is_refused_or_where_it_was_asked_for_named(caplog):
    text = "class 'owl' has no training sample: its 2 other samples cannot be classified"
    with pytest.raises(DataError, match=f"{text}\nCorrect the label, .* data.classes"):
        Labels().class_names(["cat", "dog"], ["owl", "cat", "owl"])
    with pytest.raises(DataError, match="its 1 other samples cannot be classified; did you mean 'dog'"):
        Labels().class_names(["cat", "dog"], ["dgo"])
    assert Labels(["owl", "cat"]).class_names(["cat"], ["owl", "owl"]) == ["owl", "cat"]
    assert SEVERAL.class_names(["cat"], ["owl;cat", "owl"]) == ["cat", "owl"]
    assert [record.getMessage() for record in caplog.records] == [text, text]


def test_given_classes_keep_their_order_and_refuse_others():
    labels = Labels(["dog", "cat"])
    names = labels.class_names(["cat", "dog"], ["owl"])
    assert names == ["dog", "cat"]
    assert labels.targets(["cat", "dog"], names, "train").tolist() == [1, 0]
    with pytest.raises(DataError, match=r"unknown labels in the test split: \['owl'\]; expected one of \['dog'"):
        labels.targets(["owl"], names, "test")


def test_several_classes_per_sample():
    names = SEVERAL.class_names(["red; round", "", "red"], ["sweet;;red"])
    assert names == ["red", "round", "sweet"]
    targets = SEVERAL.targets(["round;red", "", "sweet"], names, "train")
    assert targets.dtype is torch.uint8
    assert targets.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    with pytest.raises(DataError, match=r"unknown labels in the test split: \['blue'\]"):
        SEVERAL.targets(["red;blue"], names, "test")


def test_labels_are_taken_whole_without_a_separator():
    assert Labels().class_names(["a;b"], []) == ["a;b"]
    with pytest.raises(ValueError, match="label_separator is empty"):
        Labels(separator="")


def test_strata():
    assert Labels().strata(["b", "a", "b"]).tolist() == [1, 0, 1]
    assert SEVERAL.strata(["b", "a;b", "b"]).tolist() == [
        0,
        0,
        0,
    ]  # otherwise, every rare combination would stay in training


def test_counts():
    assert class_counts(torch.tensor([0, 2, 2]), 4) == [1, 0, 2, 0]
    assert class_counts(torch.tensor([[1, 1], [0, 1]], dtype=torch.uint8), 2) == [1, 2]
    assert class_counts(torch.rand(3, 4, 4), 2) == []
    assert class_counts(["no", "tensor"], 2) == []


def test_what_is_written_of_a_prediction_of_several_classes():
    record = SEVERAL.record(torch.tensor([0.75, 0.25, 0.5]), ["a", "b", "c"])
    assert record == {"prediction": "a;c", "probabilities": {"a": 0.75, "b": 0.25, "c": 0.5}}


def test_captions_of_several_classes():
    for target, caption in (([1, 0], ("a", True)), ([0, 1], ("a, not b", False)), ([0, 0], ("a, not none", False))):
        predicted = torch.tensor([0.9, 0.1])
        assert SEVERAL.caption(torch.tensor(target, dtype=torch.uint8), predicted, ["a", "b"]) == caption


def test_the_predicted_class_is_the_most_probable_one_however_close():
    record = Labels().record(torch.tensor([0.4999997, 0.4999999, 0.0]), ["a", "b", "c"])
    assert record["prediction"] == "b"
    assert record["probabilities"] == {"a": 0.5, "b": 0.5, "c": 0.0}


def test_targets_that_are_no_classes_are_not_counted():
    assert class_counts(torch.tensor([0.5, 1.5]), 2) == []
