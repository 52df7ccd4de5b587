from collections import namedtuple

import numpy as np
import pytest
import torch

from leyden.testing.differences import difference

Found = namedtuple("Found", ["score", "word"])


class Plain:
    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor([1.0, torch.nan]),
        [1, "a", None],
        {"a": torch.ones(2)},
        Found(0.5, "x"),
        np.ones(2),
        Plain(1.0),
        True,
    ],
)
def test_nothing_differs_from_itself(value):
    assert difference(value, value) == ""


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (torch.ones(2), torch.tensor([1.0, 2.0]), "1 and 2"),
        (torch.ones(2), torch.ones(3), "shapes (2,) and (3,)"),
        (torch.ones(1), torch.ones(1, dtype=torch.float64), "torch.float32 and torch.float64"),
        (torch.tensor([5]), torch.tensor([6]), "5 and 6"),
        ({"a": [1, 2]}, {"a": [1, 3]}, "a[1]: 2 and 3"),
        ({"a": 1}, {"b": 1}, "a and b"),
        ([1], [1, 2], "1 and 2 values"),
        ("cat", "dog", "'cat' and 'dog'"),
        (1, "1", "int and str"),
        (Found(0.5, "x"), Found(0.5, "y"), "[1]: 'x' and 'y'"),
        (Plain(1.0), Plain(2.0), "value: 1 and 2"),
        (np.ones(1), np.zeros(1), "1 and 0"),
    ],
)
def test_the_first_difference_is_named(one, other, message):
    assert difference(one, other) == message


def test_rounding_is_tolerated():
    one, other = torch.tensor([1.0]), torch.tensor([1.00001])
    assert difference(one, other)
    assert not difference(one, other, rtol=1e-4)


def test_boxes_of_one_score_have_no_order():
    boxes = torch.tensor([[0.0, 0, 1, 1], [2, 2, 3, 3]])
    one = {"labels": torch.tensor([1, 1]), "scores": torch.tensor([0.5, 0.5]), "boxes": boxes}
    assert not difference(one, one | {"boxes": boxes.flip(0)})
    assert difference(one, one | {"boxes": boxes + 1})
