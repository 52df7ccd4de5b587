import json

import pytest
from run_files import write_run

from leyden.cli.main import main
from leyden.errors import UserError
from leyden.run.directory import RunDirectory


@pytest.fixture
def project(tmp_path, monkeypatch):
    """One run of each state, each with two checkpoints of 1000 bytes, of which the first is the best."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "train.yaml").touch()
    for seed, state in enumerate(("finished", "failed", "running", "preempted")):
        status = {"host": "elsewhere", **({"job": "5"} if state == "preempted" else {})}
        path = write_run(tmp_path, "vision/digits", seed, 0.1, 0.9, state=state, **status)
        (path / "command.txt").write_text(f"leyden train vision/digits seed={seed}\n")
        for name in ("best", "last"):
            (path / f"checkpoints/{name}.ckpt").write_bytes(b"0" * 1000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left(project):
    """The checkpoints of each run, by its seed."""
    runs = sorted(project.glob("runs/*/*/*/status.json"))
    return [sorted(file.stem for file in run.parent.glob("checkpoints/*.ckpt")) for run in runs]


ALL = ["best", "last"]


def test_usage_by_state(project, capsys):
    assert main(["clean"]) == 0
    text = capsys.readouterr().out
    assert all(state in text for state in ("finished", "failed", "running", "preempted"))
    assert "2 kB" in text
    assert main(["clean", "--yes"]) == 2
    assert left(project) == [ALL] * 4


def test_nothing_is_removed_unless_confirmed(project, capsys):
    assert main(["clean", "state=failed"]) == 0
    text = capsys.readouterr().out
    assert "failed  2 kB: best, last (no longer resumable)" in text
    assert "Add --yes" in text
    assert left(project) == [ALL] * 4


def test_best_checkpoint_of_a_finished_run_and_active_runs_are_kept(project, capsys):
    assert main(["clean", "vision", "--yes"]) == 0
    text = capsys.readouterr().out
    assert text.count("is kept") == 2
    assert "removed: 3 kB" in text
    assert left(project) == [["best"], [], ALL, ALL]
    assert main(["clean", "state=finished", "--best", "--yes"]) == 0
    assert left(project) == [[], [], ALL, ALL]


def test_a_cleaned_run_says_so(project, capsys):
    main(["clean", "seed<2", "--yes"])
    capsys.readouterr()
    finished, failed = sorted(project.glob("runs/*/*/*"))[:2]
    assert main(["resume", str(failed), "--trust"]) == 2
    text = capsys.readouterr().err
    assert "leyden clean removed checkpoints of this run (best, last) on 20" in text
    assert "leyden train vision/digits seed=1" in text
    run = RunDirectory(finished)
    assert run.checkpoint("best").name == "best.ckpt"
    with pytest.raises(UserError, match=r"available: best; leyden clean removed checkpoints of this run \(last\)"):
        run.checkpoint("last")
    assert json.loads((finished / "results.json").read_text())["test"]


def test_a_run_that_is_trained_by_now_is_left_alone(project, monkeypatch, capsys):
    run = RunDirectory(sorted(project.glob("runs/*/*/*"))[1])
    monkeypatch.setattr("leyden.cli.clean._print_plan", lambda planned: run.set_state("running"))
    assert main(["clean", "state=failed", "--yes"]) == 1
    assert "started in the meantime" in capsys.readouterr().err
    assert left(project) == [ALL] * 4
