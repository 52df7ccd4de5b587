"""Makes the copied living project the user's own: its domains, identity, licence and git history."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

RENDERED = {"README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE"}  # by cookiecutter, with the user's words in them
STAYS = ("tests/template", "configs/local")
RUBBISH = {"__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".ruff_cache", ".DS_Store"}
DOMAINS = {"vision", "audio", "text"}


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def prune(domains: str) -> None:
    """Deletes every folder and file that is named after a domain that was not chosen, and what must not travel."""
    unwanted = set() if domains == "all" else DOMAINS - set(domains.split("+"))
    for path in map(Path, STAYS):
        remove(path)
    for path in sorted(Path().rglob("*")):
        if path.name in RUBBISH or path.suffix == ".egg-info" or path.stem in unwanted:
            remove(path)


def rename(package: str, title: str) -> None:
    """Replaces the package and the title as whole words; a title is free text, so only prose can hold it."""
    for path in sorted(Path().rglob("*"), reverse=True):  # a folder comes after what is in it
        if path.is_file() and str(path) not in RENDERED:
            in_prose = title if path.suffix == ".md" else package
            words = {"leyden": package, "Leyden": in_prose, "LEYDEN": package.upper()}
            try:
                text = path.read_bytes().decode()
            except UnicodeDecodeError:
                continue
            path.write_bytes(re.sub(r"\b(leyden|Leyden|LEYDEN)\b", lambda word: words[word[0]], text).encode())
        path.rename(path.with_name(re.sub(r"\bleyden\b", package, path.name)))


def set_lines(path: Path, values: dict[str, str], separator: str) -> None:
    """Gives the first line of each key its value, in a TOML or YAML file."""
    text = path.read_text(encoding="utf-8")
    for key, value in values.items():
        line = rf"(?m)^( *{key}{separator}).*$"
        text, count = re.subn(line, lambda found, value=value: found[1] + value, text, count=1)
        assert count == 1, f"{path} has no line for {key}"
    path.write_text(text, encoding="utf-8")


def set_identity(answers: dict[str, str]) -> None:
    def quoted(text: str) -> str:  # a JSON string is a TOML and a YAML string, too
        return json.dumps(text, ensure_ascii=False)

    identity = {
        "version": quoted("0.1.0"),
        "description": quoted(answers["description"]),
        "requires-python": quoted(f">={answers['python_version']},<3.14"),
        "license": quoted(answers["license"]),
        "authors": "[{ name = " + quoted(answers["author_name"]) + " }]",
    }
    set_lines(Path("pyproject.toml"), identity, " = ")
    entity = quoted(answers["wandb_entity"]) if answers["wandb_entity"].strip() else "null"
    for path in Path("configs").rglob("wandb.yaml"):
        set_lines(path, {"project": quoted(answers["wandb_project"]), "entity": entity}, ": ")
    for path in Path().glob("LICENSE.*"):
        path.rename("LICENSE") if path.name == f"LICENSE.{answers['license']}" else path.unlink()


def start_history(author: str) -> None:
    """One commit, signed by the user's git identity or, without one, by the author's name."""
    if Path(".git").exists():
        return
    # Inside a git hook these point at another repository.
    outside = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
    environment = {key: value for key, value in os.environ.items() if key not in outside}

    def git(*arguments: str) -> bool:
        return subprocess.run(["git", *arguments], env=environment, stdout=subprocess.DEVNULL).returncode == 0

    if shutil.which("git") is None:
        print("Note: git was not found, so the project has no history yet.")
        return
    known = git("config", "user.name") and git("config", "user.email")
    identity = [] if known else ["-c", f"user.name={author}", "-c", "user.email=author@localhost"]
    started = (
        git("init", "--quiet")
        and git("symbolic-ref", "HEAD", "refs/heads/main")
        and git("add", ".")
        and git(*identity, "-c", "commit.gpgsign=false", "commit", "--quiet", "--no-verify", "-m", "Start the project")
    )
    if not started:
        print("Note: git made no first commit, for the reason above; the files are complete.")


def main() -> None:
    answers = json.loads(r"""{{ cookiecutter | jsonify }}""")
    Path("gitignore").rename(".gitignore")  # git warns about a .gitignore that is a link
    prune(answers["domains"])
    rename(answers["package_name"], answers["project_name"])
    set_identity(answers)
    start_history(answers["author_name"])
    print(f"{Path.cwd()} is ready: cd there, then `make demo`.")


if __name__ == "__main__":
    main()
