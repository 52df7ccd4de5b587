"""A run executes its copy of the code, independent of the working tree."""

import importlib
import json
import os
import shutil
import sys

import pytest
from working_project import EXPERIMENT, PACKAGE, ROOT, SHORT, WorkingProject

from leyden.errors import UserError
from leyden.run import environment
from leyden.run.code_diff import diff_from_tree
from leyden.run.directory import RunDirectory
from leyden.run.frozen_code import environment as variables
from leyden.run.frozen_code import imported_from, record_live, remark, source

CONFIG = {"name": "some/thing", "runs": "runs"}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project with a package of one module, imported from the working tree."""
    package = tmp_path / "src" / f"own_{tmp_path.name}"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "net.py").write_text("WIDTH = 1\n")
    monkeypatch.syspath_prepend(tmp_path / "src")
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(package.name)]:
        del sys.modules[name]


def width(root):
    return importlib.import_module(f"own_{root.name}.net").WIDTH


def test_imports_use_the_copy_within_the_context(root):
    run = RunDirectory.create(CONFIG, root, ["train"])
    (root / f"src/own_{root.name}/net.py").write_text("WIDTH = 22\n")
    importlib.invalidate_caches()
    assert width(root) == 22
    before = sys.modules[f"own_{root.name}.net"]
    with imported_from(run.path) as module:
        assert width(root) == 1
        assert module("errors") is sys.modules[f"{PACKAGE}.errors"]
        with imported_from(run.path):  # as of a process that was started with its environment
            assert width(root) == 1
        assert width(root) == 1
    assert sys.modules[f"own_{root.name}.net"] is before
    assert str(source(run.path)) not in sys.path


def test_study_of_an_older_version_has_its_modules_elsewhere(root):
    run = RunDirectory.create(CONFIG, root, ["train"])
    package = run.path / "code/src" / PACKAGE
    (package / "study").mkdir(parents=True)
    for file in ("__init__.py", "study/__init__.py"):
        (package / file).touch()
    (package / "study/execute.py").write_text("import missing_package\n")
    with imported_from(run.path) as module, pytest.raises(ModuleNotFoundError, match="missing_package"):
        module("study.sweep.execute")
    (package / "study/execute.py").write_text("OLD = True\n")
    with imported_from(run.path) as module:
        assert module("study.sweep.execute").OLD


def test_live_run_uses_the_working_tree(root):
    run = RunDirectory.create(CONFIG, root, ["train"], live=True)
    (root / f"src/own_{root.name}/net.py").write_text("WIDTH = 22\n")
    importlib.invalidate_caches()
    with imported_from(run.path):
        assert width(root) == 22
    assert "uses the working tree" in remark(run.path)
    assert (run.path / "code/src").is_dir()  # what it was when the run was made is kept all the same


def test_live_is_recorded_and_kept_on_resume(root):
    run = RunDirectory.create(CONFIG, root, ["train"])
    assert remark(run.path) == ""
    record_live(run, "test")
    assert source(run.path)
    record_live(run, "resume")
    assert not source(run.path)
    assert run.status["live"] is True
    output = (run.path / "command.txt").read_text().splitlines()
    assert [line.split()[1] for line in output[1:]] == ["test", "resume"]
    assert all(line.endswith(" --live") for line in output[1:])


def test_run_without_copy_uses_the_working_tree(tmp_path):
    (tmp_path / "status.json").write_text("{}")
    assert source(tmp_path) is None
    assert "has no copy of the code" in remark(tmp_path)
    with imported_from(tmp_path) as module:
        assert module("errors")


def test_a_removed_copy_is_reported(root):
    run = RunDirectory.create(CONFIG, root, ["train"])
    shutil.rmtree(run.path / "code")
    assert "copy of the code is gone" in remark(run.path)
    with pytest.raises(UserError, match="copy of the code is gone"):
        list(diff_from_tree(run.path, root, root / "runs"))


def test_processes_import_the_copy_first(root, monkeypatch):
    run = RunDirectory.create(CONFIG, root, ["train"])
    monkeypatch.setenv("PYTHONPATH", "/other")
    assert variables(run.path)["PYTHONPATH"].split(os.pathsep) == [str(run.path / "code/src"), "/other"]
    monkeypatch.delenv("PYTHONPATH")
    assert variables(run.path)["PYTHONPATH"] == str(run.path / "code/src")


def test_environment_changes_are_described(root):
    (root / "requirements").mkdir()
    (root / "requirements/current.txt").write_text("torch==1\n")
    run = RunDirectory.create(CONFIG, root, ["train"]).path
    assert environment.differences(run, root) == ""
    file = run / "environment.txt"
    text = file.read_text()
    (python, *_) = text.splitlines()
    file.write_text(text.replace(python, "python==3.1.0").replace("torch==", "torch==0.") + "no-such-package==1.0\n")
    (root / "requirements/current.txt").write_text("torch==2\n")
    output = environment.differences(run, root)
    assert output.startswith("changed since this run was created: python 3.")
    assert "instead of 3.1.0" in output
    assert "no-such-package is missing instead of 1.0" in output
    assert "requirements/current.txt has changed" in output


def test_packages_are_the_installed_ones():
    from importlib.metadata import distributions, version

    found = environment.packages()
    assert f"torch=={version('torch')}" in found
    names = {distribution.metadata["Name"] for distribution in distributions()}
    assert {line.partition("==")[0] for line in found} == names | {"python"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return WorkingProject(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def trained(project):
    """Runs created before the working tree was destroyed: the first is trained, the others are queued."""
    project.command("train", *SHORT)
    queued = [project.create(f"seed={seed}") for seed in range(5)]
    live = project.create(live=True)
    project.destroy_code()
    return queued, live


@pytest.mark.slow
@pytest.mark.parametrize("settings", [[], ["trainer.devices=2"]], ids=["here", "torchrun"])
def test_queued_run_is_trained_with_its_own_code(project, trained, settings):
    run = trained[0][len(settings)]
    output = project.command("resume", run.path, *settings)
    assert "working tree" not in output
    assert run.status["state"] == "finished"


@pytest.mark.slow
@pytest.mark.parametrize("fork", [False, True], ids=["new", "forked"])
def test_runs_of_a_sweep_are_trained_with_their_own_code(project, trained, fork):
    run = trained[0][2 + fork]
    code = (
        f"import sys; from pathlib import Path; from {PACKAGE}.run.frozen_code import imported_from\n"
        "with imported_from(Path(sys.argv[1])) as module:\n"
        "  run = module('run.directory').RunDirectory(Path(sys.argv[1]))\n"
        f"  start = module('launch.run_process').{'ForkedRun' if fork else 'SpawnedRun'}\n"
        "  sys.exit(module('launch.pool').RunPool([run], [{}], start).train())"
    )
    project.python("-c", code, run.path)
    assert run.status["state"] == "finished"


@pytest.mark.slow
def test_manually_started_process_executes_the_copy(project, trained):
    run = trained[0][4]
    project.python("-m", f"{PACKAGE}.run.execute", run.path, "train")
    assert run.status["state"] == "finished"


@pytest.mark.slow
def test_trained_run_is_tested_with_its_own_code_unless_live(project, trained):
    (run,) = {path.resolve() for path in project.root.glob("runs/*/*/2*") if (path / "results.json").exists()} - {
        run.path for run in trained[0]
    }
    project.command("test", run)
    predicted = project.command(
        "predict", run, ROOT / "src" / "leyden" / "testing" / "samples" / EXPERIMENT.split("/")[0]
    )
    assert "input,prediction," in predicted
    assert "the working tree was executed" in project.command("test", run, "--live", code=130)
    assert "--live" in (run / "command.txt").read_text()
    (project.root / "requirements/current.txt").write_text("torch==2\n")
    assert "changed since this run was created: requirements/current.txt has changed" in project.command(
        "validate", run
    )
    output = project.command("diff", run)
    assert f"--- run/src/{PACKAGE}/run/worker.py\n+++ now/src/{PACKAGE}/run/worker.py\n" in output
    assert "-torch==1\n+torch==2\n" in output
    assert f"--- run/src/{PACKAGE}/tasks/task.py\n+++ /dev/null\n" in output


@pytest.mark.slow
def test_live_run_is_trained_with_the_working_tree(project, trained):
    assert "the working tree was executed" in project.command("resume", trained[1].path, code=130)
    assert json.loads((trained[1].path / "status.json").read_text())["live"] is True


def test_dry_run_shows_the_code_of_a_job(tmp_path):
    project = WorkingProject(tmp_path)
    words = ["train", f"experiment={EXPERIMENT}", "--dry-run", "launcher=slurm", "trainer=cpu"]
    assert 'env PYTHONPATH="$run/code/src${PYTHONPATH:+:$PYTHONPATH}" ' in project.command(*words)
    assert "PYTHONPATH" not in project.command(*words, "--live")


@pytest.mark.skipif(not (ROOT / "configs/experiment/vision").is_dir(), reason="no images here")
@pytest.mark.slow
def test_the_log_of_the_projects_own_modules_is_kept(tmp_path):
    project = WorkingProject(tmp_path)
    own = tmp_path / "src" / "own"
    own.mkdir()
    (own / "__init__.py").touch()
    (own / "data.py").write_text(
        "import logging\nfrom leyden.data.vision import Digits\n\nclass Own(Digits):\n    def load(self, split):\n"
        "        logging.getLogger(__name__).info('reading %s', split)\n        return super().load(split)\n"
    )
    project.command("train", "experiment=vision/digits", *SHORT[1:], "data._target_=own.data.Own")
    (log,) = tmp_path.glob("runs/**/log.txt")
    assert "INFO    reading train" in log.read_text()
