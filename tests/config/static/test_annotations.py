import pytest

from leyden.config.static.annotations import choices, fits
from leyden.config.static.signature import signature

HEADER = """
import typing, torch
from collections.abc import Callable, Sequence
from typing import Any, Literal, Optional, Union
Mode = Literal["fast", "slow", 16]
Name = Union[Mode, str]
class Thing: ...
"""


@pytest.fixture
def parameter(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)

    def parameter(annotation, default=""):
        name = f"annotated_{abs(hash((annotation, default)))}"
        (tmp_path / f"{name}.py").write_text(f"{HEADER}\ndef call(x: {annotation}{default}): ...\n")
        return signature(f"{name}.call").parameters["x"]

    return parameter


@pytest.mark.parametrize(
    ("annotation", "right", "wrong"),
    [
        ("int", [1], ["1", 1.5, 3.0, None, [1], {}, True]),
        ("float", [1, 1.5], ["x", None, [1.0], False]),
        ("int | bool", [1, True], ["x"]),
        ("str", ["x"], [1, None, ["x"]]),
        ("bool", [True, 0], ["yes", 2, []]),
        ("int | None", [1, None], ["x"]),
        ("Optional[int]", [1, None], ["x"]),
        ("typing.Optional['int']", [1, None, "x"], []),
        ("'int | str'", [1, "x"], [None, []]),
        ("Mode", ["fast", 16], ["fats", 17]),
        ("Literal[0, 1]", [1], [True, 2]),
        ("Literal['balanced', False]", [False], [0, True]),
        ("Sequence[str]", [["a"], []], ["a", {"a": 1}, None]),
        ("Sequence[Mode]", [["fast"]], ["fast"]),
        ("str | Sequence[str]", ["a", ["a"]], [3]),
        ("Iterable", ["a", {"a": 1}, [1]], [3]),
        ("Optional[Mode]", ["slow", None], ["fats"]),
        ("Name", ["anything"], [3]),
        ("list[int]", [[], [1, 2]], [["x"], "12", 1]),
        ("Sequence[float]", [[1, 2.5]], [[None], 3]),
        ("tuple[int, str]", [[1, "x"]], [[1], ["x", 1], 1]),
        ("tuple[int, ...]", [[], [1, 2, 3]], [["x"]]),
        ("dict[str, int]", [{"a": 1}], [1, "a", ["a"]]),
        ("Callable[[int], int]", [{"_target_": "f"}, ...], [3, "f"]),
        ("Any", [1, "x", None], []),
        ("Thing", [1, "x", {"_target_": "Thing"}], []),
        ("torch.Tensor", [{"_target_": "torch.ones"}], [1, "x", [1]]),
        ("torch.Size", [1, [1]], []),
        ("float | torch.Tensor", [1], ["x"]),
        ("whatever[it](so)", [1, "x"], []),
    ],
)
def test_values(parameter, annotation, right, wrong):
    assert [value for value in right if not fits(value, parameter(annotation))] == []
    assert [value for value in wrong if fits(value, parameter(annotation))] == []


def test_annotations_contradicted_by_default_are_ignored(parameter):
    assert fits("x", parameter("int", " = None"))
    assert fits(True, parameter("int", " = False"))
    assert fits("abc", parameter("Sequence[str]", " = 'xyz'"))
    assert not fits("x", parameter("int", " = 3"))
    assert not fits(3, parameter("Sequence[int]", " = ()"))


def test_choices(parameter):
    assert choices(parameter("Optional[Name]")) == ["fast", "slow", "16"]
