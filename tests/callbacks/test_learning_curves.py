from types import SimpleNamespace

import pytest

from leyden.callbacks import LearningCurves
from leyden.callbacks.learning_curves import draw, read_curves

ROWS = """step,epoch,train/loss,val/loss,train/learning_rate,val/accuracy
9,0,0.9,,0.003,
19,0,0.4,,0.002,
19,0,,0.5,,0.8
39,1,,0.3,,0.9
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "metrics.csv").write_text(ROWS)
    return tmp_path


def trainer(run, loggers=(), is_global_zero=True):
    return SimpleNamespace(default_root_dir=str(run), loggers=loggers, is_global_zero=is_global_zero)


def test_curves_are_read_by_step(run):
    curves = read_curves(run / "metrics.csv")
    assert curves["train/loss"] == ([9, 19], [0, 0], [0.9, 0.4])
    assert curves["val/accuracy"] == ([19, 39], [0, 1], [0.8, 0.9])
    assert "epoch" not in curves


def test_a_panel_for_each_quantity_that_was_logged(run):
    figure = draw(read_curves(run / "metrics.csv"), "accuracy")
    assert [axes.get_title() for axes in figure.axes] == ["loss", "accuracy", "learning rate"]
    assert [line.get_label() for line in figure.axes[0].lines] == ["train", "val"]
    assert draw({}, "accuracy") is None
    assert [axes.get_title() for axes in draw(read_curves(run / "metrics.csv"), "loss").axes] == [
        "loss",
        "learning rate",
    ]


def test_the_file_is_written_and_handed_to_loggers(run):
    images = []
    logger = SimpleNamespace(log_image=lambda key, files: images.append((key, files)))
    LearningCurves().on_fit_end(trainer(run, [logger]), SimpleNamespace(monitor="val/accuracy"))
    file = run / "plots" / "curves.png"
    assert file.read_bytes().startswith(b"\x89PNG")
    assert images == [("plots/curves", [str(file)])]


def test_only_the_first_rank_draws(run):
    LearningCurves().on_fit_end(trainer(run, is_global_zero=False), SimpleNamespace())
    assert not (run / "plots").exists()


def test_without_metrics_nothing_is_drawn(tmp_path):
    LearningCurves().on_fit_end(trainer(tmp_path), SimpleNamespace())
    assert not (tmp_path / "plots").exists()


def test_what_cannot_be_drawn_is_reported_and_costs_no_run(run, caplog):
    (run / "metrics.csv").write_text(ROWS.replace("0.9,,", "torn,,"))
    LearningCurves().on_fit_end(trainer(run), SimpleNamespace(monitor="val/accuracy"))
    assert "curves.png could not be drawn: ValueError" in caplog.text
