"""`leyden demo`: its child processes are terminated with it."""

import signal
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from leyden.cli import demo
from leyden.config.embedded import embedded_experiments


def test_one_experiment_per_domain():
    root = Path.cwd()
    first = list(demo.first_experiments(root))
    domains = {name.split("/")[0] for name in embedded_experiments(root)}
    assert {name.split("/")[0] for name in first} == domains
    assert len(first) == len(domains)


def test_processes_are_terminated_with_the_demo():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        demo.RUNNING.add(process)
        with pytest.raises(SystemExit) as ended:
            demo.stop(signal.SIGTERM, None)
        demo.RUNNING.remove(process)
        assert ended.value.code == 128 + signal.SIGTERM
        assert process.wait() == -signal.SIGTERM


def test_metrics_and_folders_are_printed_whole(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    run = Path.cwd() / "runs/audio/plucked_strings/20261129-143235-00-801b5d0f"
    result = demo.Result("audio/plucked_strings", "test/raw_pitch_accuracy", 0.924, 180, run)
    monkeypatch.setattr(demo, "demonstrate", lambda experiment, root: result)
    assert demo.demo(Namespace()) == 0
    output = capsys.readouterr().out
    assert "test/raw_pitch_accuracy 0.9240" in output
    assert f"\n{run.relative_to(Path.cwd())}\n" in output
