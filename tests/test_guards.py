import pytest

from leyden.guards import refusals
from leyden.signature import signature

CLASSES = """
class Base:
    def __init__(self, size=4, rate=0.1, mode="fast"):
        if size < 1:
            raise ValueError(f"size is {size}; it must be at least 1")
        if not 0 <= rate < 1:
            raise ValueError("rate %s" % rate)
        elif mode not in ("fast", "slow"):
            raise ValueError(f"mode is {mode!r}")

class Passing(Base):
    def __init__(self, width: int, depth=2, **base):
        if width % depth:
            raise ValueError("width does not divide")
        super().__init__(rate=depth / 10, **base)

class Careful:
    def __init__(self, low, high=None, scale=1, kind=3):
        if high is None:
            high = 2 * low
        if high < low:
            raise ValueError("high is below low")
        if isinstance(scale, str) or scale < 0:
            raise TypeError(unknown(scale))
        if looked_up(low):
            return
        if low < 0:
            raise ValueError("perhaps never reached")
"""


@pytest.fixture
def refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / f"guarded_{tmp_path.name}.py").write_text(CLASSES)
    return lambda name, **given: list(refusals(signature(f"guarded_{tmp_path.name}.{name}"), given))


def test_conditions_and_messages(refused):
    assert refused("Base") == refused("Base", size=1, rate=0.5, mode="slow") == []
    assert refused("Base", size=0) == [("size", "size is 0; it must be at least 1")]
    assert refused("Base", size=-1, mode="x") == [
        ("size", "size is -1; it must be at least 1"),
        ("mode", "mode is 'x'"),
    ]
    assert refused("Base", rate=2, mode="x") == [("rate", "rate 2")]


def test_constructors_of_bases(refused):
    assert refused("Passing", width=4, size=2) == []
    assert refused("Passing", width=3) == [("width", "width does not divide")]
    assert refused("Passing", width=4, size=0) == [("size", "size is 0; it must be at least 1")]
    assert refused("Passing", width=20, depth=20) == [("rate", "rate 2.0")]


def test_what_is_not_certain_is_not_refused(refused):
    assert refused("Base", size=...) == refused("Base", size="x") == []
    assert refused("Passing", width=..., size=...) == []
    assert refused("Careful", low=3) == refused("Careful", low=-1) == []


def test_messages_that_cannot_be_worked_out(refused):
    assert refused("Careful", low=1, scale=-1) == [
        ("scale", "refused by its check `isinstance(scale, str) or scale < 0`")
    ]
