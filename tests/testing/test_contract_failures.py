"""Contract tests of a small project with one fault in most parts: each fails in the right test, with a clear message."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import leyden

pytestmark = pytest.mark.slow

ROOT, HERE = Path.cwd(), Path(__file__).parent
PACKAGE, PARTS = leyden.__name__, "broken_parts"
MODEL = "defaults:\n  - /model/classification@_here_\nnetwork:\n  _target_: {parts}.{name}\n"
NETWORKS = ("Linear", "Mixing", "Idle", "Blind", "Fixed")
HEALTHY = "defaults:\n  - override /data: points\n  - override /model: toy/linear\n"
INLINE = """
defaults:
  - /optim/adamw@model
  - override /data: {data}
model:
  _target_: {task}
  network:
    _target_: {parts}.{network}
"""
CLASSIFICATION = f"{PACKAGE}.tasks.Classification"
INLINE_EXPERIMENTS = {
    "misspelt": {"network": "Liner"},
    "shaky": {"data": "shaky"},
    "forgetful": {"network": "Forgetful"},
    "not_a_number": {"task": f"{PARTS}.NotANumber"},
    "silent": {"task": f"{PARTS}.Silent"},
    "bare": {"task": f"{PARTS}.Bare"},
    "replaced": {"data": "unseen", "task": f"{PARTS}.Bare"},
    "present": {"data": "present", "task": f"{PARTS}.Lonely"},
    "unnamed": {"data": "unnamed", "task": f"{PARTS}.Lonely"},
    "lonely": {"data": "unseen", "task": f"{PARTS}.Lonely"},
}
PYPROJECT = '[tool.pytest]\nfilterwarnings = ["error"]\naddopts = ["--strict-markers", "--strict-config"]\n'
CONTRACT = f"from {PACKAGE}.testing import TestExperiments, TestNetworks  # noqa: F401\n"


def make_project(root):
    """All configs of this project that belong to no domain, and the experiments and models above."""
    domains = {"data", "model", "experiment", "local"}
    for path in (ROOT / "configs").iterdir():
        if path.is_dir() and path.name not in domains:
            shutil.copytree(path, root / "configs" / path.name)
    configs = {"train": (ROOT / "configs" / "train.yaml").read_text()}
    configs["model/classification"] = (ROOT / "configs" / "model" / "classification.yaml").read_text()
    configs |= {f"model/toy/{name.lower()}": MODEL.format(parts=PARTS, name=name) for name in NETWORKS}
    configs |= {
        f"data/{name.lower()}": f"_target_: {PARTS}.{name}\nbatch_size: 8\n" for name in ("Points", "Shaky", "Unnamed")
    }
    configs["data/present"] = f"_target_: {PARTS}.Unseen\nroot: tests\n"
    configs["data/unseen"] = f"_target_: {PARTS}.Unseen\nroot: nowhere\n"
    experiments = {"healthy": HEALTHY, "incomplete": "defaults:\n  - override /data: nowhere\n"}
    for name, given in INLINE_EXPERIMENTS.items():
        values = {"data": "points", "task": CLASSIFICATION, "network": "Linear", "parts": PARTS} | given
        experiments[name] = INLINE.format(**values)
    configs |= {f"experiment/toy/{name}": f"# @package _global_\n{text}" for name, text in experiments.items()}
    for name, text in configs.items():
        path = root / "configs" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "tests").mkdir()
    (root / "tests" / "test_contract.py").write_text(CONTRACT)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Map each test and its parameter to `passed`, `skipped` or `failure`, and the message."""
    root = tmp_path_factory.mktemp("broken")
    make_project(root)
    path = os.pathsep.join([str(HERE), *filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTEST_ADDOPTS": ""}
    for name in [name for name in environment if name.startswith("PYTEST_XDIST")]:
        del environment[name]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=report.xml"]
    done = subprocess.run(command, cwd=root / "tests", env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert not (root / "runs").exists()
    found = {}
    for case in ElementTree.parse(root / "tests" / "report.xml").iter("testcase"):
        name = case.get("name").rstrip("]").replace("[", " ")
        result = next((part for part in case if part.tag in ("failure", "error", "skipped")), None)
        found[name] = ("passed", "") if result is None else (result.tag, result.get("message"))
    return found


FAILURES = {
    "test_check toy/misspelt": "toy/misspelt does not pass `leyden check toy/misspelt`:.*did you mean 'Linear'",
    "test_check toy/incomplete": "there is no configs/data/nowhere.yaml",
    "test_trains toy/not_a_number": "toy/not_a_number does not train: the loss is not finite",
    "test_trains toy/silent": "Silent.monitor is 'val/other', but toy/silent does not log test/other",
    "test_resumes toy/shaky": r"killed .* ends with other weights .*broken_parts\.Shaky returns other samples",
    "test_resumes toy/forgetful": "killed .* ends with other weights .*is not in the checkpoint",
    "test_samples_do_not_mix toy/healthy toy/mixing": "predictions of sample 0 change with the other samples of its batch",
    "test_gradients_reach_every_parameter toy/healthy toy/idle": "no gradient reaches network.unused.weight, network.unused.b",
    "test_overfits_one_batch toy/healthy toy/blind": "does not overfit a batch of 6 samples: 60 steps reduced the loss from",
    "test_overfits_one_batch toy/not_a_number": "the loss of step 0 on one batch is nan",
    "test_trains_in_float64 toy/healthy toy/fixed": "does not train in float64",
}
FAIL_TOO = {  # due to the same fault
    "test_samples_do_not_mix toy/healthy toy/fixed",
    "test_gradients_reach_every_parameter toy/healthy toy/blind",
}
SKIPPED = {
    "test_trains toy/misspelt": "toy/misspelt has mistakes: see test_check",
    "test_resumes toy/incomplete": "toy/incomplete has mistakes: see test_check",
    "test_resumes toy/not_a_number": "toy/not_a_number does not train: see test_trains",
    "test_predicts toy/healthy": "Points does not implement `read`",
    "test_trains toy/lonely": "no folder .*nowhere.*no experiment with embedded data has the task Lonely",
    "test_trains toy/unnamed": "No such file or directory: 'points.txt'",
    "test_overfits_one_batch toy/lonely": "no folder .*nowhere.*no experiment with embedded data has the task Lonely",
    "test_samples_do_not_mix toy/bare": "Bare does not implement `predict_step`",
    "test_overfits_one_batch toy/misspelt": "did you mean 'Linear'",
}
PASSED = {
    "healthy": ["test_check", "test_trains", "test_resumes"],
    "bare": ["test_check", "test_trains", "test_resumes", "test_overfits_one_batch"],
    "present": ["test_check", "test_trains", "test_resumes", "test_overfits_one_batch"],
    "replaced": ["test_check", "test_trains", "test_resumes"],
    "shaky": ["test_trains", "test_overfits_one_batch"],
    "forgetful": ["test_trains", "test_gradients_reach_every_parameter"],
    "healthy toy/linear": ["test_overfits_one_batch", "test_samples_do_not_mix", "test_trains_in_float64"],
    "healthy toy/mixing": ["test_overfits_one_batch", "test_gradients_reach_every_parameter"],
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_fault_fails_with_a_message(outcomes, case):
    kind, message = outcomes[case]
    assert kind == "failure"
    assert re.search(FAILURES[case].replace("leyden", PACKAGE), message, re.DOTALL), message


def test_nothing_else_fails(outcomes):
    failed = {case for case, (kind, _) in outcomes.items() if kind in ("failure", "error")}
    assert failed == FAILURES.keys() | FAIL_TOO


@pytest.mark.parametrize("case", SKIPPED)
def test_what_cannot_be_tested_is_skipped_with_a_reason(outcomes, case):
    kind, message = outcomes[case]
    assert kind == "skipped"
    assert re.search(SKIPPED[case], message, re.DOTALL), message


@pytest.mark.parametrize("name", PASSED)
def test_what_has_no_fault_passes(outcomes, name):
    assert {outcomes[f"{test} toy/{name}"] for test in PASSED[name]} == {("passed", "")}
