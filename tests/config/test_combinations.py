import pytest

from leyden.config.compose import combinations
from leyden.errors import UserError


def test_a_sweep_over_no_value_is_refused():
    with pytest.raises(UserError, match=r"override seed=range\(0\): expected at least one value"):
        combinations(["seed=range(0)"])


def test_combinations():
    assert combinations(["trainer=slow,fast", "seed=range(2)", "data.root=[a,b]"]) == [
        [f"trainer={trainer}", f"seed={seed}", "data.root=[a,b]"] for trainer in ("slow", "fast") for seed in (0, 1)
    ]
    assert combinations(["seed=1", "no word"]) == [["seed=1", "no word"]]
