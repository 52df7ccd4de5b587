import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from run_files import write_run

from leyden.study.progress import is_active, last_values, progress
from leyden.study.records import read

METRICS = """\
step,train/loss,epoch,val/accuracy,train/samples_per_second
9,0.9,0,,
19,,0,0.8,
19,,0,,1250.5
29,0.4,1,,
39,,1,0.9,
39,,1,,1300
49,0.3,2,,
59,0.2"""  # being written


@pytest.fixture
def running(tmp_path):
    path = write_run(tmp_path, "vision/digits", 0, 0.1, 0.9, state="running", host="n1")
    (path / "metrics.csv").write_text(METRICS)
    ends = [datetime.now() - timedelta(seconds=seconds) for seconds in (25, 5)]
    lines = [f"{end:%Y-%m-%d %H:%M:%S} INFO    epoch {n + 1}/10  val/loss 1.0  20.0 s" for n, end in enumerate(ends)]
    (path / "log.txt").write_text("\n".join(["... INFO    epoch 1/10: batch 3", *lines, ""]))
    return replace(read(path, "vision/digits"), settings={"trainer.max_epochs": 10, "trainer.max_steps": -1})


def test_progress_of_a_running_run(running):
    found = progress(running)
    assert (found.epoch, found.max_epochs, found.step, found.max_steps) == (2, 10, 50, None)
    assert (found.metric, found.value, found.speed, found.unit) == ("val/accuracy", 0.9, 1300.0, "samples/s")
    assert found.host == "n1"
    assert found.seconds_left == pytest.approx(8 * 20 - 5, abs=3)
    assert 0 <= found.age < 60


def test_steps_limit_the_time_that_is_left(running):
    limited = replace(running, settings={"trainer.max_epochs": 10, "trainer.max_steps": 100})
    assert progress(limited).seconds_left == pytest.approx(2 * 20 - 5, abs=3)  # 25 steps an epoch


def test_a_run_that_has_just_started(tmp_path):
    path = write_run(tmp_path, "vision/digits", 0, 0.1, None, state="running")
    found = progress(read(path, "vision/digits"))
    assert (found.epoch, found.step, found.value, found.seconds_left, found.age) == (0, None, None, None, None)


def test_only_the_end_of_a_long_file_is_read(tmp_path):
    file = tmp_path / "metrics.csv"
    file.write_text("step,loss,once\n0,1,5\n" + "".join(f"{step},{step / 10},\n" for step in range(1, 20000)))
    assert last_values(file) == {"step": 19999, "loss": 1999.9}


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        ("running", {}, True),
        ("submitted", {"job": "1"}, True),
        ("preempted", {"job": "1"}, True),
        ("preempted", {}, False),
        ("finished", {"job": "1"}, False),
    ],
)
def test_active_runs(tmp_path, state, status, expected):
    path = write_run(tmp_path, "vision/digits", 0, 0.1, None, state=state, **status)
    assert json.loads((path / "status.json").read_text())["state"] == state
    assert is_active(read(path, "vision/digits")) is expected
