import sys
from pathlib import Path

import pytest

pytest.importorskip("trackio")

from training_calls import figure, killed_after, rows, training

from leyden.loggers.trackio_run import TrackioRun

OPTIONS = {"project": "some-project"}


@pytest.fixture(autouse=True)
def own_database(monkeypatch, tmp_path):

    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("trackio"):
            for name, folder in (("TRACKIO_DIR", ""), ("MEDIA_DIR", "media")):
                if isinstance(getattr(module, name, None), Path):
                    monkeypatch.setattr(module, name, tmp_path / "trackio" / folder)


def read(name="some/run"):
    from trackio.sqlite_storage import SQLiteStorage

    assert [record["name"] for record in SQLiteStorage.get_run_records(OPTIONS["project"])] == [name]
    return SQLiteStorage.get_logs(OPTIONS["project"], name)


def losses():
    return [(row["step"], row["train/loss"]) for row in read() if "train/loss" in row]


def test_values_settings_figures_and_outcome(tmp_path, capfd):
    from trackio.sqlite_storage import SQLiteStorage

    with training(TrackioRun, tmp_path, exit_code=1, **OPTIONS) as log:
        log(0, 1, 2)
        log.logger.log_image("plots/curves", figure(tmp_path))
    assert losses() == rows(3)
    (image,) = (row["plots/curves"] for row in read() if "plots/curves" in row)
    assert (tmp_path / "trackio" / "media" / image["file_path"]).is_file()
    settings = SQLiteStorage.get_run_config(OPTIONS["project"], "some/run")
    assert (settings["seed"], settings["model"]["width"]) == (7, 3)
    (alert,) = SQLiteStorage.get_alerts(OPTIONS["project"])
    assert (alert["level"], alert["step"]) == ("error", 2)
    with training(TrackioRun, tmp_path, kept=2, **OPTIONS) as log:
        log(2)
        log.logger.log_image("plots/curves", figure(tmp_path))
        log(3)
    assert losses() == rows(4)
    assert sum("plots/curves" in row for row in read()) == 1
    assert not capfd.readouterr().out


@pytest.mark.slow
def test_killed_run_has_each_value_once(tmp_path):
    killed_after(TrackioRun, tmp_path, 20, **OPTIONS)
    with training(TrackioRun, tmp_path, kept=15, **OPTIONS) as log:
        log(*range(15, 25))
    assert sorted(losses()) == rows(25)
