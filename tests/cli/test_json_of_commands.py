"""`--json` of every command: exactly one JSON object on standard output, of success and of mistakes."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from thin_project import ThinProject

import leyden
from leyden.cli.main import COMMANDS
from leyden.run.directory import RunDirectory

EXPERIMENT = "vision/digits"
SAMPLES = Path(leyden.__file__).parent / "testing" / "samples" / "vision"
TRAIN = [EXPERIMENT, "trainer=debug", *(["logger=mlflow"] if find_spec("mlflow") else [])]
TOUR = {"experiment", "seed", "device", "data", "transform", "network", "loss", "optimizer", "page"}
# Of each command the words after it, with names of `places` in braces, and what it reports.
EXAMPLES = {
    "train": ([*TRAIN, "--dry-run"], {"commands"}),
    "sweep": ([EXPERIMENT, "seed=0,1", "--dry-run"], {"commands"}),
    "resume": (["{stopped}"], {"run"}),
    "status": (["{run}"], {"runs"}),
    "cancel": (["{submitted}"], {"cancelled"}),
    "validate": (["{run}"], {"run", "results"}),
    "test": (["{run}"], {"run", "results"}),
    "predict": (["{run}", str(SAMPLES)], {"predictions"}),
    "diff": (["{run}"], {"code"}),
    "sync": (["{run}"], {"uploads"}),
    "list": ([], {"experiment", "data", "model", "optim", "trainer", "logger", "callbacks", "launcher", "search"}),
    "data": ([EXPERIMENT], {"splits", "where", "found", "ignored", "notes", "cache", "speed"}),
    "runs": ([], {"runs"}),
    "watch": ([], {"runs"}),
    "clean": ([], {"usage", "caches"}),
    "compare": (["{run}", "--metric", "test/loss"], {"metric", "groups"}),
    "reproduce": (["{run}", "--with", "{run}"], {"verdicts"}),
    "report": (["{run}"], {"file", "runs"}),
    "tour": ([EXPERIMENT, "trainer=cpu"], TOUR),
    "check": ([EXPERIMENT], {"problems"}),
    "demo": ([], {"runs"}),
    "doctor": ([], {"facts", "problems"}),
    "eject": (["ConvNet"], {"target", "files", "private_names", "mentions", "configs_changed"}),
}
MISTAKES = {
    "train": ["nothing"],
    "sweep": ["nothing", "seed=0,1"],
    "data": ["nothing"],
    "reproduce": ["nothing"],
    "tour": ["nothing"],
    "check": ["nothing"],
    "eject": ["Nothing"],
    "predict": ["nothing", str(SAMPLES)],
    **{verb: ["nothing"] for verb in ("resume", "cancel", "validate", "test", "diff", "sync", "compare", "report")},
    **{verb: ["--nothing"] for verb in ("runs", "watch", "clean", "list", "demo", "doctor", "status")},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with one small experiment."""
    project = ThinProject(tmp_path_factory.mktemp("thin"))
    file = project.root / "configs" / "experiment" / f"{EXPERIMENT}.yaml"
    text = file.read_text(encoding="utf-8").replace("max_epochs: 30", "max_epochs: 1\n  limit_train_batches: 2")
    shutil.rmtree(project.root / "configs" / "experiment")
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return project


@pytest.fixture(scope="module")
def places(project):
    """Paths of a finished run, of one to resume and of one in SLURM's queue, whose command `scancel` does nothing."""
    found = reported(project, "train", *TRAIN)
    (run,) = found["runs"]
    assert (run["state"], run["exit_code"], run["error"]) == ("finished", 0, "")
    paths = {name: Path(run["path"]).with_name(f"20261129-120000-00-{name}") for name in ("stopped", "submitted")}
    for name, path in paths.items():
        shutil.copytree(run["path"], path)
        RunDirectory(path).set_state("interrupted" if name == "stopped" else "submitted", id=name)
    RunDirectory(paths["submitted"]).set_state("submitted", job="17")
    program = project.root / "bin" / "scancel"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return {"run": run["path"], **paths}


def reported(project, *words, code=0):
    """The only object on standard output."""
    known = os.environ | {"OMP_NUM_THREADS": "1", "PATH": f"{project.root / 'bin'}:{os.environ['PATH']}"}
    known.pop("MLFLOW_TRACKING_URI", None)
    command = [sys.executable, "-m", leyden.__name__, *words, "--json"]
    done = subprocess.run(command, cwd=project.root, env=known, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    found = json.loads(done.stdout)
    assert found["exit_code"] == code
    assert ("error" in found) == bool(code)
    assert "Traceback" not in done.stderr
    return found


def test_every_command_has_an_example_and_a_mistake():
    assert EXAMPLES.keys() == MISTAKES.keys() == COMMANDS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("verb", EXAMPLES)
def test_success_is_one_object(verb, project, places):
    if verb == "sync":
        pytest.importorskip("mlflow")
    words, names = EXAMPLES[verb]
    found = reported(project, verb, *(word.format(**places) for word in words))
    assert found.keys() == {"exit_code", *names}
    assert all(found[name] is not None for name in names - {"where", "found", "ignored", "notes", "page"})
    CHECKS.get(verb, bool)(found)


def check_tour(found):
    layers = found["network"]["layers"]
    assert sum(layer["parameters"] for layer in layers) == found["network"]["parameters"] > 0
    assert found["data"]["batch"]["inputs"]["dtype"] == "uint8"
    assert found["loss"]["before_step"] > 0


def check_demo(found):
    (run,) = found["runs"]
    assert (run["experiment"], run["metric"], run["error"]) == (EXPERIMENT, "test/accuracy", None)


def check_eject(found):
    assert all(Path(file["path"]).is_file() and file["is_new"] for file in found["files"])


def check_data(found):
    assert found["splits"]["train"]["samples"] > found["splits"]["validation"]["samples"] > 0


CHECKS = {"tour": check_tour, "demo": check_demo, "eject": check_eject, "data": check_data}


@pytest.mark.parametrize("verb", MISTAKES)
def test_mistake_is_one_object(verb, project):
    found = reported(project, verb, *MISTAKES[verb], code=2)
    assert found.keys() >= {"exit_code", "error"}
    assert found["error"]


@pytest.mark.slow
def test_failed_command_is_one_object(project, places):
    """A run that fails, and data that cannot be read, are no mistakes of the command."""
    found = reported(project, "test", places["run"], "--ckpt", "/nowhere", code=2)
    assert "exit code 2" in found["error"] or "/nowhere" in found["error"]
    found = reported(project, "data", EXPERIMENT, "data=vision/files", "data.root=configs", code=1)
    assert "configs" in found["error"]
