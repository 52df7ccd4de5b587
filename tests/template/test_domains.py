"""Every choice of domains gives a project that holds those domains, imports, and trains."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

DOMAINS = {"vision", "audio", "text"}
CHOICES = ["all", "vision", "audio", "text", "vision+audio", "vision+text", "audio+text"]
IMPORT_ALL_THEN_TRAIN = """
import importlib, pkgutil, sys, shapes
for module in pkgutil.walk_packages(shapes.__path__, "shapes."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from shapes.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts]


def train(project: Path, experiment: str) -> subprocess.CompletedProcess[str]:
    overrides = [f"experiment={experiment}", "trainer=debug", "trainer.limit_train_batches=1"]
    command = [sys.executable, "-c", IMPORT_ALL_THEN_TRAIN, "train", *overrides]
    environment = {**os.environ, "PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_project_has_its_domains_imports_and_trains_a_step(choice, generate, root):
    chosen = DOMAINS if choice == "all" else set(choice.split("+"))
    project = generate(domains=choice, project_name="Shapes & Sounds", package_name="shapes")

    for domain in DOMAINS:  # just as present as in the living project, or gone without a trace
        found = {part for path in files(project) for part in (*path.parts[:-1], path.stem) if part == domain}
        assert bool(found) == (domain in chosen)
    for folder in (root / "configs").rglob("*"):
        if folder.is_dir() and folder.name in chosen:
            assert (project / folder.relative_to(root)).is_dir()

    for path in files(project):
        text = f"{path.relative_to(project)}\n{path.read_bytes().decode(errors='replace')}"
        assert "leyden" not in text.lower(), path
        if path.suffix == ".py":
            compile(text.partition("\n")[2], str(path), "exec")

    (package,) = (project / "src").iterdir()
    code = f"from pathlib import Path; from {package.name}.config.embedded import embedded_experiments as e; print(*e(Path()))"
    known = {"cwd": project, "env": {**os.environ, "PYTHONPATH": str(project / "src")}}
    embedded = subprocess.run(
        [sys.executable, "-c", code], **known, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {name.split("/")[0] for name in embedded} == chosen
    recommended = set(re.findall(r"experiment=(\S+)", (project / "README.md").read_text(encoding="utf-8")))
    assert recommended <= set(embedded)
    assert recommended
    experiment = embedded[len(choice) % len(embedded)]  # not always the same domain
    done = train(project, experiment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(project.glob("runs/*/*/latest/checkpoints/*.ckpt"))
