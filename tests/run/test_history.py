"""`latest` and an experiment's name find the newest run in any folder, independent of the clock."""

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
    """Create a run like an earlier version or another project."""
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
    """Set the time that `RunDirectory.create` sees."""

    class Clock(datetime):
        time = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

        @classmethod
        def now(cls, tz=None):
            return cls.time.astimezone(tz)

    monkeypatch.setattr(rundir, "datetime", Clock)
    return Clock


def test_newest_run_in_another_folder(root, tmp_path):
    create(root)
    elsewhere = create(root, tmp_path / "scratch")  # runs=/scratch on the command line
    assert find_run("latest", root).path == elsewhere.path
    assert find_run("some/thing", root).path == elsewhere.path
    here = create(root)
    assert find_run("latest", root).path == here.path


@pytest.mark.parametrize("file", ["train.yaml", "local/default.yaml", "experiment/vision/thing.yaml"])
@pytest.mark.parametrize("value", ["{}", "'{}'", "${{oc.env:SCRATCH}}/runs"])
def test_runs_are_found_in_configured_folders(root, tmp_path, monkeypatch, file, value):
    """Includes runs of other checkouts and runs from before the history existed."""
    monkeypatch.setenv("SCRATCH", str(tmp_path))
    (root / "configs" / file).parent.mkdir(parents=True, exist_ok=True)
    (root / "configs" / file).write_text(f"# @package _global_\nruns: {value.format(tmp_path / 'runs')}\n")
    known = old_run(tmp_path / "runs" / "some" / "thing", "20260101-000000-00000000")
    assert find_run("latest", root).path == known
    assert find_run("some", root).path == known


def test_home_folder_is_expanded(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert create(root, "~/runs").path.is_relative_to(tmp_path / "runs")


def test_runs_of_one_second_are_ordered(root, clock):
    made = [create(root).path for _ in range(5)]
    assert [path.name for path in made] == sorted(path.name for path in made)
    assert find_run("latest", root).path == made[-1]
    (root / history.HISTORY).unlink()
    assert find_run("latest", root).path == made[-1]


def test_order_is_independent_of_the_clock(root, clock):
    create(root)
    clock.time = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    newest = create(root)
    assert find_run("latest", root).path == newest.path


def test_names_are_utc_when_daylight_saving_ends(root, clock, monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        summer = create(root)  # 2:30 in the morning
        clock.time = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
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


def test_copied_run_is_ordered_by_name(root, clock):
    made = create(root)
    old_run(made.path.parent, "20260101-000000-00-00000000")
    assert find_run("latest", root).path == made.path
    copied = old_run(made.path.parent, "20270101-000000-00-00000000")
    assert find_run("latest", root).path == copied


def test_renamed_run_is_ordered_by_configuration_time(root):
    made = create(root)
    renamed = made.path.rename(made.path.with_name("my best"))
    os.utime(renamed / "config.yaml", (1, 1))
    assert find_run("latest", root).path == renamed
    other = create(root)
    assert find_run("latest", root).path == other.path


def test_incomplete_lines_and_missing_runs_are_ignored(root, tmp_path):
    made = create(root)
    gone = create(root)
    gone.path.rename(tmp_path / "gone")
    with (root / history.HISTORY).open("a") as file:
        file.write('["runs", "some/th')
    assert find_run("latest", root).path == made.path


def test_history_moves_with_the_project(root, tmp_path):
    create(root)
    newest = create(root, tmp_path / "scratch")
    moved = root.rename(tmp_path / "moved")
    assert find_run("latest", moved).path == newest.path
    here = create(moved)
    assert find_run("latest", moved).path == here.path


@pytest.mark.parametrize("runs", ["/proc/x", "configs/train.yaml", "x" * 300, "a\0b", "/dev/null/x"])
def test_folder_that_cannot_be_created(root, runs, monkeypatch):
    monkeypatch.chdir(root)
    with pytest.raises(UserError, match=r"cannot create a run directory in .*; set another runs=FOLDER"):
        create(root, runs)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "some/thing/"])
def test_invalid_name(root, name):
    with pytest.raises(UserError, match="there is no run"):
        find_run(name, root)
