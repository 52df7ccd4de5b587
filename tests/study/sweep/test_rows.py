from pathlib import Path

from leyden.study.sweep.rows import Row, averaged, best_rows


def row(number, value, state="finished", **choices):
    values = {} if value is None else {"val/accuracy": value}
    return Row(number, state, values, choices, 1.0, "", Path("runs"))


def test_the_best_setting_is_that_of_the_best_mean_not_of_the_luckiest_seed():
    rows = [row(0, 0.80, lr=0.1, seed=0), row(1, 0.99, lr=0.1, seed=1), row(2, 0.92, lr=0.2, seed=0)]
    rows += [row(3, 0.94, lr=0.2, seed=1), row(4, None, "failed", lr=0.2, seed=2)]
    means = averaged(rows)
    assert [(mean.choices, round(mean.values["val/accuracy"], 4)) for mean in means] == [
        ({"lr": 0.1}, 0.895),
        ({"lr": 0.2}, 0.93),
    ]
    assert best_rows(means, {"val/accuracy": "max"})[0].choices == {"lr": 0.2}


def test_a_setting_whose_other_seeds_failed_is_not_the_best():
    rows = [row(0, 0.90, lr=0.1, seed=0), row(1, 0.92, lr=0.1, seed=1), row(2, 0.99, lr=9, seed=0)]
    assert [mean.choices for mean in averaged([*rows, row(3, None, "failed", lr=9, seed=1)])] == [{"lr": 0.1}]
    assert averaged([]) == []


def test_values_of_settings_may_be_lists():
    assert averaged([row(0, 0.5, sizes=[1, 2], seed=0)])[0].choices == {"sizes": [1, 2]}
