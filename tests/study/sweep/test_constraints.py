import pytest

from leyden.errors import UserError
from leyden.study.sweep.constraints import Constraint, constrained, constraints


def test_limits_of_both_sides():
    highest, lowest = constraints(["seconds <= 60", "val/accuracy>0.9"])
    assert highest == Constraint("seconds", 1, 60)
    assert [highest.excess(value) for value in (50, 60, 61)] == [-10, 0, 1]
    assert lowest.excess(0.8) > 0 > lowest.excess(0.95)
    assert constrained([highest, lowest], {"val/accuracy": 0.8}, 3.0) == {"seconds": 3.0, "val/accuracy": 0.8}
    assert constraints(None) == constraints([]) == []


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("seconds<=60", "expected a list"),
        ({"seconds": 60}, "expected a list"),
        (["seconds=60"], "expected a limit, such as val/loss<=0.5, got 'seconds=60'"),
        (["seconds<=long"], "expected a limit"),
        (
            ["test/accuracy>0.9"],
            "would select on the test split, which would make the test result meaningless; use val/accuracy",
        ),
        (["accuracy>0.9"], "expected validation metrics"),
    ],
)
def test_what_is_no_limit_is_refused(given, reason):
    with pytest.raises(UserError, match=reason):
        constraints(given)
