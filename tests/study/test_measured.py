from dataclasses import replace
from math import inf, nan

from leyden.study.measured import direction, measured
from leyden.study.records import Record


def test_values_that_are_not_finite_are_left_out():
    records = [Record(str(value), "a", "finished", metrics={"val/loss": value}) for value in (0.5, inf, nan)]
    assert measured(records, "val/loss")[0] == records[:1]


def test_durations_are_measured():
    records = [Record("0", "a", "finished", seconds=3.5), Record("1", "a", "running", seconds=1.0)]
    assert measured(records, "seconds")[0] == records[:1]


def test_preliminary_values_are_left_out():
    metrics = {"val/accuracy": 0.9, "test/accuracy": 0.8}
    records = [
        Record(str(n), "a", state, metrics=metrics) for n, state in enumerate(("finished", "running", "interrupted"))
    ]
    records.append(Record("3", "a", "failed"))
    found, sentence = measured(records, "val/accuracy")
    assert [record.state for record in found] == ["finished"]
    assert sentence == "excluded: 3 of 4 runs have no final val/accuracy (1 running, 1 interrupted, 1 failed)"
    assert len(measured(records, "test/accuracy")[0]) == 3
    assert measured(records[:1], "val/accuracy") == (records[:1], "")


def test_direction_of_a_metric_is_that_by_which_checkpoints_were_selected():
    errors = [Record(str(seed), "a", "finished", monitor="val/degrees", mode="min") for seed in range(2)]
    assert direction(errors, "test/degrees") == "min"
    assert direction(errors, "test/loss") == "min"
    assert direction(errors, "test/edits") is None
    assert direction([*errors, replace(errors[0], mode="max")], "val/degrees") is None
