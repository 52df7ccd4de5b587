import os
import pty
import signal
import subprocess
import sys
import time

import pytest
from run_files import write_run

import leyden
from leyden.cli.main import main
from leyden.cli.watch import _duration, _identity
from leyden.run.directory import RunDirectory


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "train.yaml").touch()
    write_run(tmp_path, "vision/digits", 0, 0.1, 0.9)
    write_run(tmp_path, "text/stdlib", 1, 0.1, None, state="submitted", job="17")
    path = write_run(tmp_path, "vision/digits", 2, 0.1, 0.9, state="running", host="elsewhere")
    (path / "metrics.csv").write_text("step,val/accuracy\n9,0.75\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))  # no SLURM
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path


def test_active_runs_are_printed_once_without_a_terminal(project, capsys):
    assert main(["watch"]) == 0
    text = capsys.readouterr().out
    assert "submitted" in text
    assert "val/accuracy 0.7500" in text
    assert "finished" not in text
    assert main(["watch", "vision", "seed=2", "--once"]) == 0
    assert "submitted" not in capsys.readouterr().out
    assert main(["watch", "state=finished"]) == 0
    assert "no runs are being trained among these" in capsys.readouterr().err
    assert main(["watch", "visoin"]) == 2


def test_state_of_the_job_is_shown(project, capsys):
    (project / "squeue").write_text('#!/bin/sh\necho "17 PENDING"\n')
    (project / "squeue").chmod(0o755)
    main(["watch"])
    assert "submitted (job pending)" in capsys.readouterr().out


def test_ctrl_c_leaves_the_live_table_which_keeps_runs_that_end(project):
    master, terminal = pty.openpty()
    command = [sys.executable, "-m", leyden.__name__, "watch"]
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment) as process:
        os.close(terminal)
        read_until(master, b"0.7500")
        RunDirectory(next(project.glob("runs/vision/digits/*02-00*"))).set_state("finished")
        read_until(master, b"finished")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    os.close(master)


def read_until(terminal, text):
    shown, deadline = b"", time.monotonic() + 120
    while text not in shown:
        assert time.monotonic() < deadline, shown
        shown += os.read(terminal, 65536)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.6, "1min 0s"), (3599, "59min 59s"), (7261, "2h 1min"), (9e4, "1d 1h"), (None, "")],
)
def test_durations(seconds, text):
    assert _duration(seconds) == text


def test_runs_are_named_by_their_ids():
    assert _identity("20261129-115502-00-4c6242cd") == "4c6242cd"
    assert _identity("4c6242cd-0001") == "4c6242cd-0001"  # of a study
