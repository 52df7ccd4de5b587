"""`latest` or an experiment's name may stand for a run that has failed: which run it is, and that it failed, is reported."""

import pytest
from run_files import write_run

import leyden
from leyden.cli.main import main
from leyden.errors import UserError
from leyden.run.directory import find_run
from leyden.run.newest_remark import newest_remark


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "train.yaml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def remark(project, name):
    return newest_remark(name, find_run(name, project), project)


def test_a_failed_run_is_named_with_its_error_and_the_newest_finished_one(project):
    done = write_run(project, "a/b", 0, 0.1, 0.9)
    failed = write_run(project, "a/b", 1, 0.1, None, state="failed", error="RunError: the loss\nis gone")
    sentence = f"{failed}, which has failed (RunError: the loss); the newest finished run is {done}"
    assert remark(project, "latest") == f"latest is {sentence}"
    assert remark(project, "a/b") == f"a/b is {sentence}"
    assert remark(project, str(failed)) == ""  # it was named
    later = write_run(project, "a/b", 2, 0.1, 0.9)
    assert remark(project, "latest") == ""
    assert find_run("latest", project).path == later


def test_without_a_finished_run_none_is_named(project):
    stopped = write_run(project, "a/b", 0, 0.1, None, state="interrupted")
    assert remark(project, "latest") == f"latest is {stopped}, which was stopped before its end"


def unusable(project):
    """A failed run that every command but `report` refuses before it executes anything."""
    path = write_run(project, "a/b", 0, 0.1, None, state="failed", error="RunError: full")
    (path / "config.yaml").unlink()
    return path


@pytest.mark.parametrize("words", [["test", "latest"], ["predict", "a/b", "."], ["resume", "latest"], ["report"]])
def test_commands_print_it(project, capsys, words):
    failed = unusable(project)
    main(words)
    assert f"{failed}, which has failed (RunError: full)" in capsys.readouterr().err


def test_load_warns(project, caplog):
    failed = unusable(project)
    with pytest.raises(UserError):
        leyden.load("latest")
    assert f"latest is {failed}, which has failed" in caplog.text
