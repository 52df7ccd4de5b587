"""`--json`: one JSON object on standard output, whatever happens."""

import json
import subprocess
import sys

import pytest
from run_files import write_run

import leyden
from leyden.cli.arguments import COMMANDS, parser
from leyden.cli.json_output import document


@pytest.fixture
def project(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "train.yaml").touch()
    for seed in range(3):
        write_run(tmp_path, "vision/digits", seed, 0.001, 0.9 + seed / 100)
    return tmp_path


def result(folder, *words, code=0):
    """Return the object and what is printed on standard error."""
    command = [sys.executable, "-m", leyden.__name__, *map(str, words), "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("exit_code") == code
    return found, done.stderr


def test_every_command_has_the_option():
    help_texts = parser()._subparsers._group_actions[0].choices
    assert all("--json" in help_texts[verb].format_help() for verb, *_ in COMMANDS)


def test_results_of_commands_on_runs(project):
    found, text = result(project, "runs", "test/accuracy>0.905")
    assert [run["metrics"]["test/accuracy"] for run in found["runs"]] == [0.91, 0.92]
    assert "20261129" in text  # the table
    found, _ = result(project, "compare", "vision")
    assert found["metric"] == "test/accuracy"
    assert found["groups"][0]["summary"]["n"] == 3
    run = next(project.glob("runs/*/*/2*"))
    found, _ = result(project, "status", run, "nothing", code=2)
    assert found["runs"][0]["state"] == "finished"
    assert "there is no run" in found["runs"][1]["error"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "did you mean 'train'"),
        (["runs", "visoin"], "did you mean 'vision'"),
        (["runs", "--limt", "3"], "unrecognized arguments"),
        (["test", "nothing"], "there is no run 'nothing'"),
    ],
)
def test_mistakes_are_objects_too(project, words, message):
    found, text = result(project, *words, code=2)
    assert list(found) == ["error"]
    assert message in found["error"]
    assert message in text


def test_options_and_changed_code(project):
    (project / "configs" / "experiment").mkdir()
    found, text = result(project, "list")
    assert "experiment" in found
    run = next(project.glob("runs/*/*/2*"))
    (run / "code").mkdir()
    (run / "code.json").write_text(json.dumps({"files": {}, "left_out": {}}))
    found, text = result(project, "diff", run)
    assert "configs/train.yaml" in found["code"]
    assert found["code"] in text


def test_numbers_that_json_has_not_are_null():
    assert json.loads(document({"a": float("nan"), "b": [float("inf"), 1]}, 0)) == {
        "exit_code": 0,
        "a": None,
        "b": [None, 1],
    }


@pytest.mark.slow
def test_a_sweep_reports_each_run(tmp_path):
    words = ["sweep", "vision/digits", "trainer=debug", "launcher.fork=true", "launcher.parallel=2"]
    found, text = result(".", *words, f"runs={tmp_path}", "seed=0,1")
    assert [run["state"] for run in found["runs"]] == ["finished"] * 2
    assert all(run["metrics"]["test/loss"] for run in found["runs"])
    assert "[2/2]" in text
