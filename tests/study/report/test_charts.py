import math

from leyden.io import Curve
from leyden.study.report.charts import Epochs, thinned


def test_a_long_curve_keeps_its_extremes_and_gaps():
    values = [math.sin(place / 50) for place in range(20_000)]
    values[777], values[12_345], values[15_000] = 9.0, -9.0, math.nan
    kept = thinned(values, 1000)
    assert {0, 777, 12_345, 15_000, 19_999} <= {*kept}
    assert len(kept) <= 1100
    assert kept == sorted(kept)
    assert thinned(values[:1000], 1000) == list(range(1000))


def test_steps_within_an_epoch_are_parts_of_it():
    epochs = Epochs({"train/loss": Curve([0, 4, 9, 14, 19, 24], [0, 0, 0, 1, 1, 2], [0.0] * 6)})
    assert [epochs.at(step) for step in (4, 9, 14, 19, 24)] == [0.5, 1, 1.5, 2, 2.5]  # the third is not complete
    assert Epochs({}).at(3) == 0
