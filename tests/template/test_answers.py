"""What the user types arrives unchanged everywhere, whatever characters it holds."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow  # projects are generated

NASTY = {
    "project_name": """Zoë's "Süße" {{ cookiecutter.project_slug }} \\d {% raw %} {# 北京 #} 🚀 ${x}""",
    "description": """On {{ braces }}, 'quotes', \\backslashes\\ and Leyden: a "study" #1""",
    "author_name": """Ōe O'Neil "Leyden" {{cookiecutter.project_slug}} {% if %} \\N & <Söhne>""",
}
REST = {"project_slug": "nasty", "package_name": "nasty", "wandb_project": "nasty runs", "wandb_entity": "no"}


def check(project: Path) -> None:
    title, description, author = NASTY.values()
    readme = (project / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"# {title}\n\n{description}\n")
    assert readme.endswith(f", {author}\n")
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["description"] == description
    assert metadata["authors"] == [{"name": author}]
    citation = yaml.safe_load((project / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["title"], citation["abstract"], citation["authors"][0]["name"]) == (title, description, author)
    assert f"{author}\n" in (project / "LICENSE").read_text(encoding="utf-8")
    logger = yaml.safe_load((project / "configs/logger/wandb.yaml").read_text(encoding="utf-8"))["wandb"]
    assert (logger["project"], logger["entity"]) == ("nasty runs", "no")


def test_from_the_command_line(generate):
    check(generate(**NASTY, **REST))


def test_from_a_config_file(cookiecutter, tmp_path, root):
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"default_context": {**NASTY, **REST}}), encoding="utf-8")
    done = cookiecutter(str(root), "--no-input", "--config-file", str(config))
    assert done.returncode == 0, done.stderr
    check(tmp_path / "output/nasty")


def test_typed_in_and_replayed(cookiecutter, tmp_path, root):
    title, description, author = NASTY.values()
    typed = [title, "nasty", "nasty", description, author, "1", "1", "1", "no", "nasty runs", "1", ""]
    done = cookiecutter(str(root), answers="\n".join(typed))
    assert done.returncode == 0, done.stderr
    check(tmp_path / "output/nasty")
    (tmp_path / "output/nasty").rename(tmp_path / "typed")
    done = cookiecutter(str(root), "--replay")
    assert done.returncode == 0, done.stderr
    check(tmp_path / "output/nasty")


@pytest.mark.parametrize(
    ("license", "words"),
    [
        ("MIT", "Permission is hereby granted, free of charge"),
        ("Apache-2.0", "Apache License\n                           Version 2.0"),
        ("BSD-3-Clause", "Neither the name of the copyright holder"),
    ],
)
def test_the_licence_is_the_chosen_one(license, words, generate):
    project = generate(license=license, author_name="Ada", python_version="3.12")
    text = (project / "LICENSE").read_text(encoding="utf-8")
    assert words in text
    assert "Ada" in text
    assert not list(project.glob("LICENSE.*"))
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (metadata["license"], metadata["requires-python"]) == (license, ">=3.12,<3.14")


def test_the_history_has_one_commit_and_nothing_left_over(generate):
    project = generate(author_name="Ada Lovelace")

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=project, capture_output=True, text=True, check=True).stdout

    assert git("log", "--format=%an", "--all") == "Ada Lovelace\n"
    assert git("branch", "--show-current") == "main\n"
    assert git("status", "--porcelain", "--ignored") == ""
    assert not list(project.rglob("*cookiecutter*"))


def test_caches_and_local_settings_stay_behind(generate, root):
    left_over = [root / "notebooks/.ipynb_checkpoints/x", root / "configs/local/mine.yaml", root / "data/cache/x"]
    for path in left_over:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("left over")
    try:
        project = generate()
    finally:
        for path in left_over:
            shutil.rmtree(path.parent)
    assert not [path for name in ("x", "mine.yaml", "data/cache") for path in project.rglob(name)]
