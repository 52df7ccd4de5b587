"""List the files of a project that belong to its source, not to its data or outputs."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from importlib.machinery import all_suffixes
from pathlib import Path

SOURCE = "src"  # contains the project's packages
GENERATED = {"__pycache__", "node_modules", "site-packages"}  # folders that programs create, at any depth
OUTPUTS = {"build", "data", "dist", "runs", "wandb"}  # folders at the root of a project without git
SECRET = re.compile(r"\.env(\..*)?|\.netrc|.*\.(pem|key)|id_(rsa|ed25519).*")


def own_files(root: Path, runs: Path) -> list[str]:
    """List the project's files relative to its root, those of `src/` first.

    With git, these are tracked files, untracked files that are not ignored, and ignored modules in `src/` (such as a
    generated `_version.py`), since packages import them. Without git, all but hidden files and usual outputs.

    Args:
        root: The project's folder.
        runs: Folder of the run directories, which are excluded.
    """
    names = _git_files(root)
    if not any(name.startswith(f"{SOURCE}/") for name in names):
        names = list(_walk(root, ""))
    names += [name for name in _walk(root, SOURCE) if name.endswith(tuple(all_suffixes()))]
    # configs/local is private and may contain secrets.
    excluded = _run_folders(names) | {"runs", "configs/local", os.path.relpath(root / runs, root)}
    own = (name for name in dict.fromkeys(names) if not (_is_below(name, excluded) or GENERATED & {*name.split("/")}))
    return sorted(own, key=lambda name: (not name.startswith(f"{SOURCE}/"), name.count("/"), name))


def is_secret(name: str) -> bool:
    """Whether a file usually contains passwords or keys, by its name."""
    return bool(SECRET.fullmatch(name.rpartition("/")[2]))


def git_output(root: Path, *words: str) -> str:
    """Return the output of a git command in a folder; empty without a repository or git."""
    # In a git hook these variables point to another repository.
    hook_variables = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
    environment = {key: value for key, value in os.environ.items() if key not in hook_variables}
    try:
        done = subprocess.run(["git", *words], cwd=root, env=environment, capture_output=True)
    except OSError:
        return ""
    return os.fsdecode(done.stdout) if done.returncode == 0 else ""


def _git_files(root: Path) -> list[str]:
    listed = git_output(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = []
    for name in filter(None, listed.split("\0")):
        path = root / name
        is_folder = path.is_dir() and not path.is_symlink()  # a nested repository
        names += _walk(root, name.rstrip("/")) if is_folder else [name]
    return names


def _walk(root: Path, folder: str) -> Iterator[str]:
    """Yield files and links in a folder, except hidden files, virtual environments and outputs."""
    for directory, folders, files in os.walk(root / folder):
        parent = Path(directory)
        prefix = "" if parent == root else f"{parent.relative_to(root).as_posix()}/"
        links = [name for name in folders if (parent / name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and _is_own(parent / name, is_top=parent == root)]
        yield from (f"{prefix}{name}" for name in (*links, *files) if not name.startswith("."))


def _is_own(folder: Path, is_top: bool) -> bool:
    name = folder.name
    if name.startswith(".") or name in GENERATED or name.endswith(".egg-info") or (is_top and name in OUTPUTS):
        return False
    return not (folder / "pyvenv.cfg").exists()


def _run_folders(names: Iterable[str]) -> set[str]:
    """Return run directories among the listed files, such as those of `runs=FOLDER` in the project."""
    ends = "/status.json", "/config.yaml"
    with_status, with_config = ({name.removesuffix(end) for name in names if name.endswith(end)} for end in ends)
    return with_status & with_config


def _is_below(name: str, folders: set[str]) -> bool:
    parts = name.split("/")
    return any("/".join(parts[:end]) in folders for end in range(1, len(parts) + 1))
