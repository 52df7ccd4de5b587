"""`latest` and an experiment's name find the newest run, wherever `runs` let it be kept and whatever the clocks did."""

import json
import os
import time
from datetime import UTC, datetime

import pytest

from leyden.errors import UserError
from leyden.run import directory as rundir
from leyden.run import history
from leyden.run.directory import RunDirectory, find_run


def create(root, runs="runs", name="some/thing"):
    return RunDirectory.create({"name": name, "runs": str(runs), "seed": 3}, root, ["train"])


def old_run(folder, name, **status):
    """As an earlier version or another project made it."""
    (folder / name).mkdir(parents=True)
    (folder / name / "status.json").write_text(json.dumps({"id": name[-8:], "state": "finished", **status}))
    return folder / name


@pytest.fixture
def root(tmp_path):
    (tmp_path / "project" / "configs" / "experiment").mkdir(parents=True)
    (tmp_path / "project" / "configs" / "train.yaml").write_text("defaults: [_self_]\nruns: runs  # here\n")
    return tmp_path / "project"


@pytest.fixture
def clock(monkeypatch):
    """What `RunDirectory.create` takes for the time."""

    class Clock(datetime):
        told = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

        @classmethod
        def now(cls, tz=None):
            return cls.told.astimezone(tz)

    monkeypatch.setattr(rundir, "datetime", Clock)
    return Clock


def test_a_run_that_was_made_elsewhere_is_the_newest(root, tmp_path):
    create(root)
    elsewhere = create(root, tmp_path / "scratch")  # runs=/scratch on the command line
    assert find_run("latest", root).path == elsewhere.path
    assert find_run("some/thing", root).path == elsewhere.path
    here = create(root)
    assert find_run("latest", root).path == here.path


@pytest.mark.parametrize("file", ["train.yaml", "local/default.yaml", "experiment/vision/thing.yaml"])
@pytest.mark.parametrize("value", ["{}", "'{}'", "${{oc.env:SCRATCH}}/runs"])
def test_runs_are_looked_for_where_the_setting_says(root, tmp_path, monkeypatch, file, value):
    """Also those that this project has not made: of another checkout, or from before it kept a history."""
    monkeypatch.setenv("SCRATCH", str(tmp_path))
    (root / "configs" / file).parent.mkdir(parents=True, exist_ok=True)
    (root / "configs" / file).write_text(f"# @package _global_\nruns: {value.format(tmp_path / 'runs')}\n")
    known = old_run(tmp_path / "runs" / "some" / "thing", "20260101-000000-00000000")
    assert find_run("latest", root).path == known
    assert find_run("some", root).path == known


def test_a_home_folder_is_the_users(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert create(root, "~/runs").path.is_relative_to(tmp_path / "runs")


def test_many_runs_of_one_second_are_ordered(root, clock):
    made = [create(root).path for _ in range(5)]
    assert [path.name for path in made] == sorted(path.name for path in made)
    assert find_run("latest", root).path == made[-1]
    (root / history.HISTORY).unlink()
    assert find_run("latest", root).path == made[-1]


def test_a_clock_that_is_set_back_changes_no_order(root, clock):
    create(root)
    clock.told = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    newest = create(root)
    assert find_run("latest", root).path == newest.path


def test_names_are_utc_also_in_the_night_when_summer_time_ends(root, clock, monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        summer = create(root)  # 2:30 in the morning
        clock.told = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
        winter = create(root)  # 2:15
        assert summer.path.name.startswith("20261025-003000-00-")
        assert summer.path.name < winter.path.name
        (root / history.HISTORY).unlink()
        # A name of old is local time: 2:20, before or after the change.
        old_run(summer.path.parent, "20261025-000000-ffffffff")
        assert find_run("latest", root).path == winter.path
        newest = old_run(summer.path.parent, "20261025-040000-00000000")
        assert find_run("latest", root).path == newest
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_a_run_that_was_copied_here_is_the_newest_if_its_name_says_so(root, clock):
    made = create(root)
    old_run(made.path.parent, "20260101-000000-00-00000000")
    assert find_run("latest", root).path == made.path
    copied = old_run(made.path.parent, "20270101-000000-00-00000000")
    assert find_run("latest", root).path == copied


def test_a_renamed_run_is_as_old_as_its_configuration(root):
    made = create(root)
    renamed = made.path.rename(made.path.with_name("my best"))
    os.utime(renamed / "config.yaml", (1, 1))
    assert find_run("latest", root).path == renamed
    other = create(root)
    assert find_run("latest", root).path == other.path


def test_what_is_torn_or_gone_does_not_count(root, tmp_path):
    made = create(root)
    gone = create(root)
    gone.path.rename(tmp_path / "gone")
    with (root / history.HISTORY).open("a") as file:
        file.write('["runs", "some/th')
    assert find_run("latest", root).path == made.path


def test_the_history_moves_with_the_project(root, tmp_path):
    create(root)
    newest = create(root, tmp_path / "scratch")
    moved = root.rename(tmp_path / "moved")
    assert find_run("latest", moved).path == newest.path
    here = create(moved)
    assert find_run("latest", moved).path == here.path


@pytest.mark.parametrize("runs", ["/proc/x", "configs/train.yaml", "x" * 300, "a\0b", "/dev/null/x"])
def test_a_folder_that_cannot_be_made(root, runs, monkeypatch):
    monkeypatch.chdir(root)
    with pytest.raises(UserError, match=r"no run directory can be made in .*; set runs=FOLDER"):
        create(root, runs)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "some/thing/"])
def test_a_name_that_is_none(root, name):
    with pytest.raises(UserError, match="there is no run"):
        find_run(name, root)
