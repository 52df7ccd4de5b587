"""Makes the copied files a project of its own: its domains, the library in vendor/, the lock, identity, git history."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

# In the template's folder git and ruff would take these for their own.
RENAMED = {"gitignore": ".gitignore", "data/gitignore": "data/.gitignore", "pyproject": "pyproject.toml"}
RUBBISH = {"__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".ruff_cache", ".DS_Store"}
DOMAINS = {"vision", "audio", "text"}
# The worked example of each domain: modules of the package, with a test each.
EXAMPLES = {
    "vision": ("rotated_digits", "angle_convnet", "angle_regression"),
    "audio": ("plucked_strings", "pitch_convnet", "pitch_estimation"),
    "text": ("help_topics", "character_bilstm", "word_segmentation"),
}
NOTEBOOKS = {"vision": ("3_pipeline", "4_vision"), "audio": ("5_audio",), "text": ("6_text",)}
TASKS = {"vision": ("detection", "segmentation"), "audio": ("transcription",), "text": ("language_modeling",)}


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def prune(domains: str) -> None:
    """Deletes what belongs to a domain that was not chosen, and what must not travel."""
    unwanted = set() if domains == "all" else DOMAINS - set(domains.split("+"))
    modules = {name for domain in unwanted for name in EXAMPLES[domain]}
    notebooks = {name for domain in unwanted for name in NOTEBOOKS[domain]}
    names = unwanted | modules | {f"test_{name}" for name in modules} | notebooks
    tasks = [Path(f"configs/model/{name}.yaml") for domain in unwanted for name in TASKS[domain]]
    for path in (Path("configs/local"), *tasks, *Path().glob("LICENSE.*")):
        remove(path)
    for path in sorted(Path().rglob("*")):
        if path.name in RUBBISH or path.stem in names:
            remove(path)


def choose_tokenizer() -> None:
    """Lets texts be split as torchtext does, in its environment."""
    for path in Path("configs/data").glob("text/*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"(_target_: .*)\bWordTokenizer$", r"\1TorchtextTokenizer", text, flags=re.M), "utf-8")


def build_wheel(template: Path, folder: Path) -> Path:
    """Builds the library from the template's source.

    An isolated cookiecutter, such as that of pipx or uvx, has no build backend: pip or uv fetches one.
    """
    builders = []
    if find_spec("hatchling"):
        builders.append([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)])
    if find_spec("pip"):
        builders.append([sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(folder), str(template)])
    if shutil.which("uv"):
        builders.append(["uv", "build", "--wheel", "--out-dir", str(folder), str(template)])
    output = "There is neither pip nor uv."
    for command in builders:
        done = subprocess.run(command, cwd=template, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        if done.returncode == 0:
            for path in folder.iterdir():  # uv also leaves a .gitignore
                if path.suffix != ".whl":
                    path.unlink()
            return next(folder.iterdir())
        output = done.stdout
    sys.exit(
        f"{output.strip()}\n\nRefused: the library could not be built, for the reason above. It needs hatchling beside "
        "cookiecutter (pip install hatchling), or pip or uv with access to a package index."
    )


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(pyproject: str, wheel: Path, extras: set[str]) -> set[str]:
    """The names of the packages that the project and, with these extras, the library require."""
    lists = re.findall(r"(?ms)^(?:dependencies|dev) = \[$(.*?)^\]$", pyproject)
    names = re.findall(r'(?m)^ *"([\w.-]+)', "".join(lists))
    with ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
    for name, extra in re.findall(r"(?m)^Requires-Dist: ([\w.-]+)[^;\n]*(?:;.*extra == '(\w+)')?", text):
        if extra in {"", *extras}:
            names.append(name)
    return {normalized(name) for name in names}


def locked(lock: str, roots: set[str]) -> Iterator[str]:
    """The entries of a lock that are reached from `roots`, along its comments on what each is needed by."""
    blocks = re.findall(r"(?m)^[\w.-]+==.*\n(?: .*\n)*", lock)
    names = [block.partition("==")[0] for block in blocks]
    parents = [set(re.findall(r"(?m)^ +#(?: via|  ) ([\w.-]+)$", block)) for block in blocks]
    kept = set(roots)
    while more := {name for name, needed_by in zip(names, parents, strict=True) if kept & needed_by} - kept:
        kept |= more
    for name, block in zip(names, blocks, strict=True):
        if name in kept:
            yield re.sub(r"(?m)^ +#.*\n", "", block)


def vendor(template: Path, stack: str, domains: str) -> None:
    """Puts the library into vendor/ and into the lock, by its hash, beside what it and the project need."""
    folder = Path("vendor").absolute()
    folder.mkdir()
    wheel = build_wheel(template, folder)
    for path in Path("requirements").iterdir():
        if path.stem not in (stack, "uv"):
            remove(path)
    extras = [*(sorted(DOMAINS) if domains == "all" else domains.split("+")), "wandb", "tensorboard", "study", "notebook"]
    Path("requirements/leyden.in").write_text(f"vendor/{wheel.name}[{','.join(extras)}]\n", encoding="utf-8")
    lock = Path(f"requirements/{stack}.txt")
    roots = required(Path("pyproject.toml").read_text(encoding="utf-8"), wheel, set(extras))
    entries = list(locked(lock.read_text(encoding="utf-8"), roots))
    library = f"vendor/{wheel.name} \\\n    --hash=sha256:{sha256(wheel.read_bytes()).hexdigest()}\n"
    place = sum(entry < "leyden" for entry in entries)
    lock.write_text("".join((*entries[:place], library, *entries[place:])), encoding="utf-8")


def set_lines(path: Path, values: dict[str, str], separator: str) -> None:
    """Gives the first line of each key its value, in a TOML or YAML file."""
    text = path.read_text(encoding="utf-8")
    for key, value in values.items():
        line = rf"(?m)^( *{key}{separator}).*$"
        text, count = re.subn(line, lambda found, value=value: found[1] + value, text, count=1)
        assert count == 1, f"{path} has no line for {key}"
    path.write_text(text, encoding="utf-8")


def set_identity(answers: dict[str, str]) -> None:
    """Writes the user's own words, which may hold anything, where no template renders them."""

    def quoted(text: str) -> str:  # a JSON string is a TOML and a YAML string, too
        return json.dumps(text, ensure_ascii=False)

    identity = {
        "description": quoted(answers["description"]),
        "authors": "[{ name = " + quoted(answers["author_name"]) + " }]",
    }
    set_lines(Path("pyproject.toml"), identity, " = ")
    entity = quoted(answers["wandb_entity"]) if answers["wandb_entity"].strip() else "null"
    project = quoted(answers["wandb_project"])
    for path in Path("configs").rglob("wandb.yaml"):
        set_lines(path, {"project": project, "entity": entity}, ": ")
    set_lines(Path("configs/logger/mlflow.yaml"), {"experiment_name": project}, ": ")
    set_lines(Path("configs/logger/trackio.yaml"), {"project": project}, ": ")


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
    template = Path(json.loads(r"""{{ [template_directory] | jsonify }}""")[0])
    for link, name in RENAMED.items():
        Path(link).rename(name)
    Path(f"LICENSE.{answers['license']}").rename("LICENSE")
    shutil.copytree("example_configs", "configs", dirs_exist_ok=True)
    shutil.rmtree("example_configs")
    prune(answers["domains"])
    if answers["text_stack"] == "torchtext":
        choose_tokenizer()
    vendor(template, answers["text_stack"], answers["domains"])
    set_identity(answers)
    if "_commit" in answers:  # cruft compares whole folders of two generations and keeps its own file
        print("Made by cruft: start the history with git init, once .cruft.json is there.")
    else:
        start_history(answers["author_name"])
    print(f"{Path.cwd()} is ready: cd there, then `make demo`.")


if __name__ == "__main__":
    main()
