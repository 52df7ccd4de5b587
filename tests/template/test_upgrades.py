"""A project that was made from the previous tag and edited takes the template's news and a newer library."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import leyden

pytestmark = pytest.mark.slow

DATASET = '''
from leyden.data.vision import Digits


class FewDigits(Digits):
    """The first hundred samples of each split."""

    def load(self, split):
        samples = super().load(split)
        samples.inputs, samples.targets = samples.inputs[:100], samples.targets[:100]
        return samples
'''
NETWORK = '''
from torch import nn


class OneLayer(nn.Sequential):
    """A linear layer on the pixels."""

    def __init__(self, in_channels: int, image_size: int, num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(in_channels * image_size**2, num_classes))
'''
TASK = '''
from leyden.tasks import Classification


class Digit(Classification):
    """The digit of an image."""
'''
EXPERIMENT = """# @package _global_
# A hundred digits
defaults:
  - override /data: vision/few_digits
  - override /model: vision/one_layer
trainer:
  max_epochs: 1
"""
NEWS = "# News of the template"


def run(folder: Path, *command: str, **environment: str) -> str:
    known = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    identity = {f"GIT_{who}_{what}": "ada@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    home = {"HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1", "PYTHONPATH": ""}
    done = subprocess.run(
        command, cwd=folder, env=known | identity | home | environment, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def template(root, tmp_path):
    """A repository with two tags: the second has a newer library, and news in what a project has of the template."""
    pytest.importorskip("cruft")
    folder = tmp_path / "template"
    shutil.copytree(root, folder, symlinks=True)
    run(folder, "git", "init", "--quiet", "--initial-branch=main")
    (version,) = re.findall(r'(?m)^version = "(.*)"$', (folder / "pyproject.toml").read_text(encoding="utf-8"))

    def tag(name: str) -> None:
        run(folder, "git", "add", "--all")
        run(folder, "git", "commit", "--quiet", "--message", name)
        run(folder, "git", "tag", name)

    tag("previous")
    replace(folder / "pyproject.toml", f'version = "{version}"', 'version = "99.1"')
    replace(folder / "src/leyden/__init__.py", f'__version__ = "{version}"', '__version__ = "99.1"')
    for path in (folder / "configs/trainer/cpu.yaml", *folder.glob("*cookiecutter*/Makefile")):
        path.write_text(path.read_text(encoding="utf-8") + NEWS + "\n", encoding="utf-8")
    tag("next")
    return folder


@pytest.fixture
def project(template, tmp_path):
    """Made by cruft from the previous tag, and edited: a dataset, a network, a task, their YAML, a setting, a sentence, a dependency."""
    answers = '{"project_name": "Shapes", "domains": "vision"}'
    words = ["--no-input", "--checkout", "previous", "--output-dir", str(tmp_path), "--extra-context", answers]
    run(tmp_path, sys.executable, "-m", "cruft", "create", f"file://{template}", *words)
    folder = tmp_path / "shapes"
    (folder / "src/shapes/data/few_digits.py").write_text(DATASET.lstrip())
    (folder / "configs/experiment/vision/few_digits.yaml").write_text(EXPERIMENT)
    (folder / "src/shapes/networks/one_layer.py").write_text(NETWORK.lstrip())
    (folder / "src/shapes/tasks/digit.py").write_text(TASK.lstrip())
    model = (folder / "configs/model/vision/convnet.yaml").read_text(encoding="utf-8")
    model = re.sub(r"(?ms)^network:.*?(?=^\S|\Z)", "network:\n  _target_: shapes.networks.one_layer.OneLayer\n", model)
    model += "\n_target_: shapes.tasks.digit.Digit\n"
    (folder / "configs/model/vision/one_layer.yaml").write_text(model, encoding="utf-8")
    data = yaml.safe_load((folder / "configs/data/vision/digits.yaml").read_text(encoding="utf-8"))
    data["_target_"] = "shapes.data.few_digits.FewDigits"
    (folder / "configs/data/vision/few_digits.yaml").write_text(yaml.safe_dump(data))
    replace(folder / "configs/experiment/vision/digits.yaml", "max_epochs: 30", "max_epochs: 31")
    replace(folder / "README.md", "## Start", "Our own words.\n\n## Start")
    replace(folder / "pyproject.toml", "dependencies = [", 'dependencies = [\n    "iniconfig>=2",')
    run(folder, "git", "init", "--quiet", "--initial-branch=main")
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "Edit")
    return folder


def edits(project: Path) -> dict[str, bool]:
    return {
        "dataset": (project / "src/shapes/data/few_digits.py").read_text() == DATASET.lstrip(),
        "network": (project / "src/shapes/networks/one_layer.py").read_text() == NETWORK.lstrip(),
        "task": (project / "src/shapes/tasks/digit.py").read_text() == TASK.lstrip(),
        "experiment": (project / "configs/experiment/vision/few_digits.yaml").read_text() == EXPERIMENT,
        "setting": "max_epochs: 31" in (project / "configs/experiment/vision/digits.yaml").read_text(encoding="utf-8"),
        "sentence": "Our own words." in (project / "README.md").read_text(encoding="utf-8"),
        "dependency": '"iniconfig>=2",' in (project / "pyproject.toml").read_text(encoding="utf-8"),
    }


def test_edits_and_news_are_both_there(project, template):
    run(project, sys.executable, "-m", "cruft", "update", "--skip-apply-ask", "--checkout", "next")
    for name in ("configs/trainer/cpu.yaml", "Makefile"):
        assert (project / name).read_text(encoding="utf-8").endswith(NEWS + "\n")
    assert all(edits(project).values()), edits(project)
    assert not list(project.rglob("*.rej"))
    changed = {line[3:] for line in run(project, "git", "status", "--porcelain").splitlines()}
    assert changed == {".cruft.json", "Makefile", "configs/trainer/cpu.yaml"}  # neither vendor/ nor the lock


@pytest.mark.exhaustive
def test_the_library_is_upgraded_locked_and_tested(project, template):
    uv = Path(sys.prefix) / "bin/uv"
    probe = [str(uv), "pip", "compile", "--no-cache", "--quiet", "-"]
    if not uv.exists() or subprocess.run(probe, input="iniconfig", capture_output=True, text=True).returncode:
        pytest.skip("the lock is resolved by a package index, and none is reached")
    (old,) = (project / "vendor").iterdir()
    library = f"LIBRARY=git+file://{template}@next"
    cache = {"UV_CACHE_DIR": run(project, str(uv), "cache", "dir", HOME=os.environ["HOME"]).strip()}
    output = run(project, "make", "upgrade", library, "ARGS=-k few_digits", f"PYTHON={sys.executable}", **cache)
    assert re.search(r"\d+ passed", output), output
    (new,) = (project / "vendor").iterdir()
    assert (old.name, new.name) == (f"leyden-{leyden.__version__}-py3-none-any.whl", "leyden-99.1-py3-none-any.whl")
    lock = (project / "requirements/current.txt").read_text(encoding="utf-8")
    assert f"vendor/{new.name} \\\n    --hash=sha256:" in lock
    assert old.name not in lock
    assert "iniconfig==" in lock
    assert all(edits(project).values()), edits(project)
    code = "import leyden; print(leyden.__version__)"
    assert run(project, ".venv/bin/python", "-c", code).strip() == "99.1"
