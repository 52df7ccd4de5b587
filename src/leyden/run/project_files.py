"""Which files of a project are its own: its source and settings, neither its data nor what it has produced."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from importlib.machinery import all_suffixes
from pathlib import Path

SOURCE = "src"  # holds the project's packages
MADE = {"__pycache__", "node_modules", "site-packages"}  # by programs, wherever it is
PRODUCED = {"build", "data", "dist", "runs", "wandb"}  # at the root of a project that git does not describe
SECRET = re.compile(r"\.env(\..*)?|\.netrc|.*\.(pem|key)|id_(rsa|ed25519).*")


def own_files(root: Path, runs: Path) -> list[str]:
    """The project's own files, relative to its root, those of `src/` first.

    Where git knows the project these are the files that it tracks or would track, and the modules of `src/` that it
    ignores (such as a generated `_version.py`), since the packages import them. Elsewhere, all but hidden files and
    what is usually produced.

    Args:
        root: the project's folder.
        runs: folder of the run directories, which are never taken.
    """
    names = _of_git(root)
    if not any(name.startswith(f"{SOURCE}/") for name in names):
        names = list(_walk(root, ""))
    names += [name for name in _walk(root, SOURCE) if name.endswith(tuple(all_suffixes()))]
    # configs/local is the user's alone, and may hold secrets.
    excluded = _run_folders(names) | {"runs", "configs/local", os.path.relpath(root / runs, root)}
    taken = (name for name in dict.fromkeys(names) if not _is_below(name, excluded) and not MADE & {*name.split("/")})
    return sorted(taken, key=lambda name: (not name.startswith(f"{SOURCE}/"), name.count("/"), name))


def is_secret(name: str) -> bool:
    """Whether a file is of a kind that usually holds passwords or keys."""
    return bool(SECRET.fullmatch(name.rpartition("/")[2]))


def git_output(root: Path, *words: str) -> str:
    """What git says of the repository of a folder; nothing where there is none, or no git."""
    # Inside a git hook these point at another repository.
    outside = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
    environment = {key: value for key, value in os.environ.items() if key not in outside}
    try:
        done = subprocess.run(["git", *words], cwd=root, env=environment, capture_output=True)
    except OSError:
        return ""
    return os.fsdecode(done.stdout) if done.returncode == 0 else ""


def _of_git(root: Path) -> list[str]:
    listed = git_output(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = []
    for name in filter(None, listed.split("\0")):
        path = root / name
        is_folder = path.is_dir() and not path.is_symlink()  # of another repository within this one
        names += _walk(root, name.rstrip("/")) if is_folder else [name]
    return names


def _walk(root: Path, folder: str) -> Iterator[str]:
    """Files below a folder, links among them; hidden ones, environments and what is produced are left out."""
    for place, folders, files in os.walk(root / folder):
        here = Path(place)
        prefix = "" if here == root else f"{here.relative_to(root).as_posix()}/"
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and _is_own(here / name, is_top=here == root)]
        yield from (f"{prefix}{name}" for name in (*links, *files) if not name.startswith("."))


def _is_own(folder: Path, is_top: bool) -> bool:
    name = folder.name
    if name.startswith(".") or name in MADE or name.endswith(".egg-info") or (is_top and name in PRODUCED):
        return False
    return not (folder / "pyvenv.cfg").exists()


def _run_folders(names: Iterable[str]) -> set[str]:
    """Run directories of which git would track the files, as of `runs=FOLDER` within the project."""
    ends = "/status.json", "/config.yaml"
    with_status, with_config = ({name.removesuffix(end) for name in names if name.endswith(end)} for end in ends)
    return with_status & with_config


def _is_below(name: str, folders: set[str]) -> bool:
    parts = name.split("/")
    return any("/".join(parts[:end]) in folders for end in range(1, len(parts) + 1))
