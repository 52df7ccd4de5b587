import torch

from leyden.models.confusion_matrix import confusion_matrix


def test_the_confusion_matrix_has_true_classes_in_rows():
    figure = confusion_matrix(torch.tensor([[5, 2], [0, 9]]), ["a", "b"])
    axes = figure.axes[0]
    assert {(text.get_position(), text.get_text()) for text in axes.texts} == {
        ((0, 0), "5"),
        ((1, 0), "2"),
        ((1, 1), "9"),
    }
    assert axes.get_ylabel() == "true class"


def test_hundred_classes_are_drawn_without_numbers():
    assert not confusion_matrix(torch.eye(100, dtype=torch.int64), [str(n) for n in range(100)]).axes[0].texts
