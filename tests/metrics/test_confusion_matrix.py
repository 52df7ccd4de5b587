import torch

from leyden.metrics.confusion_matrix import confusion_matrix, short


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


def test_counts_fit_into_their_cells():
    counts = (0, 12345, 99_999, 100_000, 123_456, 999_499, 999_500, 1_234_567, 99_999_999)
    written = [short(count) for count in counts]
    assert written == ["0", "12345", "99999", "100k", "123k", "999k", "1.00M", "1.23M", "100M"]
    assert all(len(one) <= 5 for one in written)
