"""Answers from which no working project can be made are refused with the reason, and nothing is left behind."""

import re
import runpy
import shutil
import subprocess
import sys

import pytest

REFUSED = {
    "package_name=class": "keyword",
    "package_name=3d": "letter first",
    "package_name=My_package": "lower-case",
    "package_name=my-package": "underscores",
    "package_name=thèse": "lower-case letters",
    "package_name=json": "standard library",
    "package_name=torch": "depends on",
    "package_name=sklearn": "depends on",
    "package_name=configs": "folder of the project",
    "package_name=vision": "folder of the project",
    f"package_name={'x' * 46}": "at most 45",
    "project_slug=a b": "cannot be a folder",
    "project_slug=-rf": "cannot be a folder",
    "project_slug=deep/er": "cannot be a folder",
    "project_name= ": "empty",
    "author_name=two\nlines": "one line",
    "text_stack=torchtext python_version=3.13": "needs Python 3.11 or 3.12",
    "text_stack=torchtext domains=vision+audio": "leave out",
    "wandb_project=${x}": "W&B takes",
}


@pytest.mark.parametrize(("answer", "reason"), REFUSED.items())
def test_an_answer_is_refused(answer, reason, cookiecutter, tmp_path, root):
    named = [] if answer.startswith("project_slug") else ["project_slug=fine"]
    done = cookiecutter(str(root), "--no-input", *answer.split(" ", answer.startswith("text_stack")), *named)
    assert done.returncode != 0
    assert re.search(f"Refused: {answer.split('=')[0]} .*{reason}", done.stderr), done.stderr
    assert not [path for path in (tmp_path / "output").rglob("*") if path.is_file()]


def test_a_title_that_python_knows_is_refused(cookiecutter, tmp_path, root):
    done = cookiecutter(str(root), "--no-input", "project_name=Test")
    assert done.returncode != 0
    assert (
        "Refused: package_name 'test' cannot be a package: it is a module of Python's standard library" in done.stderr
    )
    assert not [path for path in (tmp_path / "output").rglob("*") if path.is_file()]


def test_every_module_that_can_be_imported_is_refused(root):
    hook = runpy.run_path(str(root / "hooks/pre_gen_project.py"))
    locked = hook["locked_packages"](root)
    code = "import pkgutil, sys; print(*sys.builtin_module_names, *(one.name for one in pkgutil.iter_modules(sys.path[1:])))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = {name for name in done.stdout.split() if re.fullmatch(r"[a-z]([a-z0-9_]*[a-z0-9])?", name)}
    assert {"test", "torch", "json"} < names
    names |= {"distutils", "annotationlib", "print", "leyden"}  # of other versions, and not modules alone
    assert [name for name in sorted(names) if not hook["problem_with_package_name"](name, locked)] == []


def test_every_import_name_of_the_environment_is_refused(root):
    hook = runpy.run_path(str(root / "hooks/pre_gen_project.py"))
    locked = hook["locked_packages"](root)
    # In a process of its own: what setuptools brings along for itself is on the path of those that have imported it.
    code = "from importlib.metadata import packages_distributions; print(*packages_distributions())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = {name for name in done.stdout.split() if re.fullmatch(r"[a-z][a-z0-9_]*", name)}
    assert {"torch", "hydra", "pytest"} < names
    assert [name for name in sorted(names) if not hook["problem_with_package_name"](name, locked)] == []
    assert hook["problem_with_package_name"]("shapes", locked) is None
    assert sys.stdlib_module_names > {"json"}
    assert hook["problem_with_package_name"]("json", set())


def test_a_template_without_its_links_is_refused(cookiecutter, tmp_path, root):
    """A zip archive, or git on Windows, turns a link into a small file that holds where it pointed."""
    unzipped = tmp_path / "unzipped"
    (unzipped / "requirements").mkdir(parents=True)
    shutil.copy(root / "cookiecutter.json", unzipped)
    shutil.copytree(root / "hooks", unzipped / "hooks")
    (folder,) = root.glob("*cookiecutter.project_slug*")
    for path in folder.rglob("*"):
        if path.is_symlink() or path.is_file():
            text = str(path.readlink()) if path.is_symlink() else path.read_text(encoding="utf-8")
            file = unzipped / path.relative_to(root)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    done = cookiecutter(str(unzipped), "--no-input")
    assert done.returncode != 0
    assert "arrived without its links" in done.stderr
    assert "git clone" in done.stderr
    assert not list((tmp_path / "output").iterdir())
