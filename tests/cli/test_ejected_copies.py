"""Copies of all configured classes can be read, imported, formatted and type-checked like the originals."""

import re
import subprocess
import sys
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

import pytest
from thin_project import LIBRARY, ROOT, ThinProject

from leyden.cli import library_names
from leyden.cli.main import main
from leyden.config.static.signature import signature
from leyden.config.static.source import load

TARGET = re.compile(rf"_target_: *({LIBRARY}\.[\w.]+)")
TARGETS = {name for file in (ROOT / "configs").rglob("*.yaml") for name in TARGET.findall(file.read_text())}
SOURCE = str(Path(load(LIBRARY).path).parents[1])


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A project with a copy of each configured class in its own package, by name."""
    project, copies = ThinProject(tmp_path_factory.mktemp("everything")), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        patch.syspath_prepend(project.root / "src")
        for number, name in enumerate(sorted(TARGETS)):
            package = f"of_{number}_{project.package}"
            project.add(package)
            code = main(["eject", name, "--package", package])
            files = [path for path in (project.root / "src" / package).glob("*/*.py") if path.stem != "__init__"]
            assert (code == 0) == bool(files), name
            if files:
                module = library_names.find_class(name).module.name.rpartition(".")[2]
                room = files[0].parent.name
                copies[name] = f"{package}.{room}.{module}.{name.rpartition('.')[2]}"
        invalidate_caches()
        yield project, copies


def test_most_configured_classes_can_be_copied(everything):
    stay = TARGETS - everything[1].keys()
    assert {name.split(".")[1] for name in stay} <= {"callbacks", "run", "launch", "study"}
    assert len(stay) <= 5


def test_copies_have_the_same_signatures(everything):
    for name, known in everything[1].items():
        there, here = signature(name), signature(known)
        assert (there is None) == (here is None), name
        if there and here:
            assert (here.parameters.keys(), here.is_open) == (there.parameters.keys(), there.is_open), name


@pytest.mark.slow
def test_all_copies_can_be_imported(everything):
    project, copies = everything
    code = f"""
import importlib, sys
sys.path.insert(0, "src")
for name, copy in {copies}.items():
    (package, _, one), (module, _, _) = name.rpartition("."), copy.rpartition(".")
    try:
        getattr(importlib.import_module(package), one)
    except ImportError:  # a library that this environment has not
        continue
    assert getattr(importlib.import_module(module), one).__module__ == module, name
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project.root, env={"PYTHONPATH": SOURCE}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [("check",), ("format", "--check")], ids=" ".join)
@pytest.mark.skipif(not find_spec("ruff"), reason="ruff is not installed")
def test_copies_pass_ruff(everything, words):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *words, "src"], cwd=everything[0].root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("pyrefly"), reason="pyrefly is not installed")
def test_copies_pass_the_type_checker(everything):
    command = ["-m", "pyrefly", "check", "--search-path", SOURCE, "--search-path", "src"]
    command += ["--python-interpreter-path", sys.executable]
    done = subprocess.run([sys.executable, *command], cwd=everything[0].root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
