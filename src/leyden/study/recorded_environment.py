"""Recreate the environment of a run from the lock file in its copy of the code."""

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from ..errors import UserError
from ..run import environment
from ..run.code_copy import CODE

FOLDER = Path("runs", ".environments")


def make_environment(run: Path, root: Path) -> str:
    """Create a virtual environment, with uv, of the packages that a run was created with; return its Python.

    It is kept in `runs/.environments` for later runs with the same lock file.

    Args:
        run: The run directory.
        root: The project's folder, in which the lock file's local wheels are looked up, too.

    Raises:
        UserError: The run has no lock file, uv is missing, or a package cannot be installed.
    """
    lock, version = _lock(run), _version(run)
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if not uv:
        raise UserError("uv is needed to recreate the recorded environment, but is not installed: pip install uv")
    name = sha256(lock.read_bytes() + version.encode()).hexdigest()[:12]
    folder = root / FOLDER / name
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.exists():
        return str(python)
    _run(uv, "venv", "--quiet", "--clear", "--python", version, str(folder), cwd=root)
    has_wheels = (run / CODE / "vendor").is_dir() or not (root / "vendor").is_dir()
    where = run / CODE if has_wheels else root  # paths in a lock file are relative to the project
    _run(uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(lock), cwd=where)
    ready.touch()
    return str(python)


def _version(run: Path) -> str:
    first = (run / environment.FILE).read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("python==")


def _lock(run: Path) -> Path:
    """Return the lock file that agrees best with the recorded packages."""
    recorded = set((run / environment.FILE).read_text(encoding="utf-8").lower().splitlines())
    files = [file for file in sorted((run / CODE / "requirements").glob("*.txt")) if file.name != "uv.txt"]
    if not files:
        raise UserError(
            f"{run} has no lock file (requirements/*.txt) in its copy of the code, so its environment cannot be recreated"
        )
    return max(files, key=lambda file: len(recorded & _pins(file)))


def _pins(file: Path) -> set[str]:
    lines = file.read_text(encoding="utf-8").lower().splitlines()
    return {line.split()[0] for line in lines if "==" in line and not line.startswith((" ", "#"))}


def _run(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        raise UserError(f"the recorded environment cannot be recreated: {done.stderr.strip()}")
