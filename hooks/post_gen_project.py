"""Makes the copied living project the user's own: its domains, identity, licence and git history."""

import json
import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

# These hold the user's own words, which no replacement may touch.
RENDERED = {"README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE"}
# In the template's folder git and ruff would take these for their own.
RENAMED = {"gitignore": ".gitignore", "data/gitignore": "data/.gitignore", "pyproject": "pyproject.toml"}
STAYS = (
    *("tests/template", "tests/test_wheel.py", "tests/run/test_before_rooms.py", "tests/samples/runs"),
    *("configs/local", "benchmarks/generation.py", "benchmarks/RESULTS.md"),
)
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
    for path in (*map(Path, STAYS), *Path().glob("LICENSE.*")):
        remove(path)
    for path in sorted(Path().rglob("*")):
        if path.name in RUBBISH or path.suffix == ".egg-info" or path.stem in unwanted:
            remove(path)


def choose_stack(stack: str) -> None:
    """Keeps the lock of one environment, which becomes the Makefile's own, and lets texts be split as it does."""
    for path in Path("requirements").iterdir():
        if path.stem not in (stack, "uv"):
            remove(path)
    set_lines(Path("Makefile"), {"STACK": stack}, " [?]= ")
    for path in Path("configs/data").glob("text/*.yaml") if stack == "torchtext" else ():
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"(_target_: .*)\bWordTokenizer$", r"\1TorchtextTokenizer", text, flags=re.M), "utf-8")


def rename(package: str, title: str) -> None:
    """Replaces the package and the title as whole words; a title is free text, so only prose can hold it."""
    names = {"leyden": package, "LEYDEN": package.upper()}
    for path in sorted(Path().rglob("*"), reverse=True):  # a folder comes after what is in it
        if path.is_file() and str(path) not in RENDERED:
            names["Leyden"] = title if path.suffix == ".md" else package
            with suppress(UnicodeDecodeError):  # not a text
                text = path.read_bytes().decode()
                text = re.sub(r"\b(leyden|Leyden|LEYDEN)\b", lambda word: names[word[0]], text)
                path.write_bytes(text.encode())
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

    latest = "3.13" if answers["text_stack"] == "torchtext" else "3.14"
    identity = {
        "version": quoted("0.1.0"),
        "description": quoted(answers["description"]),
        "requires-python": quoted(f">={answers['python_version']},<{latest}"),
        "license": quoted(answers["license"]),
        "authors": "[{ name = " + quoted(answers["author_name"]) + " }]",
    }
    set_lines(Path("pyproject.toml"), identity, " = ")
    entity = quoted(answers["wandb_entity"]) if answers["wandb_entity"].strip() else "null"
    for path in Path("configs").rglob("wandb.yaml"):
        set_lines(path, {"project": quoted(answers["wandb_project"]), "entity": entity}, ": ")


def git(*arguments: str) -> bool:
    # Inside a git hook these point at another repository.
    outside = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
    environment = {key: value for key, value in os.environ.items() if key not in outside}
    return subprocess.run(["git", *arguments], env=environment, stdout=subprocess.DEVNULL).returncode == 0


def start_history(author: str) -> None:
    """One commit, by the user's git identity or, without one, by the author's name."""
    if Path(".git").exists():
        return
    if shutil.which("git") is None:
        print("Note: git was not found, so the project has no history yet.")
        return
    options = ["-c", "commit.gpgsign=false"]
    if not (git("config", "user.name") and git("config", "user.email")):
        options += ["-c", f"user.name={author}", "-c", "user.email=author@localhost"]
    if not (
        git("init", "--quiet")
        and git("symbolic-ref", "HEAD", "refs/heads/main")
        and git("add", ".")
        and git(*options, "commit", "--quiet", "--no-verify", "--message", "Start the project")
    ):
        print("Note: git made no first commit, for the reason above; the files are complete.")


def main() -> None:
    answers = json.loads(r"""{{ cookiecutter | jsonify }}""")
    for link, name in RENAMED.items():
        Path(link).rename(name)
    Path(f"LICENSE.{answers['license']}").rename("LICENSE")
    prune(answers["domains"])
    choose_stack(answers["text_stack"])
    rename(answers["package_name"], answers["project_name"])
    set_identity(answers)
    if "_commit" in answers:  # cruft compares whole folders of two generations and keeps its own file
        print("Made by cruft: start the history with git init, once .cruft.json is there.")
    else:
        start_history(answers["author_name"])
    print(f"{Path.cwd()} is ready: cd there, then `make demo`.")


if __name__ == "__main__":
    main()
