import re

import pytest
from run_files import write_curves, write_run
from scipy import stats

from leyden.errors import UserError
from leyden.study.comparison import groups
from leyden.study.curve_plot import _band, plot
from leyden.study.records import read

METRIC = "test/accuracy"


@pytest.fixture
def runs(tmp_path):
    paths = []
    for rate in (0.001, 0.01):
        for seed in range(3):
            paths.append(write_run(tmp_path, "a/b", seed, rate, 0.9 + seed / 100))
            write_curves(paths[-1], shift=seed / 100)
    return paths


def made(paths):
    return groups([read(path, "a/b") for path in paths], ["model.optimizer.lr"], METRIC, None)


def test_bands_are_the_intervals_of_scipy_at_shared_steps(runs):
    write_curves(runs[0], epochs=2)
    remarks = []
    band = _band(made(runs)[0], "val/accuracy", remarks)
    assert band.steps == [9, 19]
    assert remarks == ["lr=0.001: 2 of 3 steps, at which all runs have a finite value"]
    values = [0.5, 0.51, 0.52]
    low, high = stats.t.interval(0.95, 2, loc=0.51, scale=stats.sem(values))
    assert (band.mean[0], band.low[0], band.high[0]) == pytest.approx((0.51, low, high))


def test_text_stays_text_and_the_bytes_are_the_same_again(runs, tmp_path):
    compared = made(runs)
    for suffix in ("svg", "pdf"):
        files = [tmp_path / f"{number}.{suffix}" for number in range(2)]
        remarks = [plot(compared, METRIC, file) for file in files]
        assert files[0].read_bytes() == files[1].read_bytes()
    assert remarks[0][:2] == [
        "lines are means of 3 runs, bands 95 % intervals of the mean (Student's t)",
        "test/accuracy is measured only once, after training; the curves show val/accuracy",
    ]
    texts = re.findall(r"<text[^>]*>([^<]*)", (tmp_path / "0.svg").read_text())
    assert {"step", "validation accuracy", "lr=0.001", "lr=0.01"} <= {*texts}
    assert b"/FontFile2" in (tmp_path / "0.pdf").read_bytes()  # TrueType, embedded
    assert 'width="234pt"' in (tmp_path / "0.svg").read_text()  # 3.25 inches


def test_one_run_has_a_line_and_no_band(runs, tmp_path):
    plot(made(runs[:1]), METRIC, tmp_path / "a.png")


def test_a_run_without_the_curve_is_named(runs, tmp_path):
    (runs[0] / "metrics.csv").unlink()
    with pytest.raises(UserError, match=f"{runs[0].name} has no curve of val/accuracy"):
        plot(made(runs), METRIC, tmp_path / "a.png")
