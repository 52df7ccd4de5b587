"""The Python version, packages and lock file of a run, and their changes since."""

import platform
import re
from importlib.metadata import distributions
from pathlib import Path

from .code_copy import CODE

FILE = "environment.txt"


def packages() -> list[str]:
    """List Python and the installed packages as `name==version`."""
    # Only the two lines are parsed: the properties `name` and `version` parse whole files, which takes 0.2 s.
    texts = (item.read_text("METADATA") or item.read_text("PKG-INFO") or "" for item in distributions())
    heads = (dict(re.findall(r"(?m)^(Name|Version): *(\S+)", text.partition("\n\n")[0])) for text in texts)
    items = {f"{head['Name']}=={head['Version']}" for head in heads if len(head) == 2}
    return [f"python=={platform.python_version()}", *sorted(items, key=str.lower)]


def differences(run: Path, root: Path) -> str:
    """Describe the changes since a run was created; empty if there are none. Added packages are ignored.

    Args:
        run: The run directory.
        root: The project's folder, whose lock file is compared with that in the run's copy of the code.
    """
    recorded = run / FILE
    before = recorded.read_text(encoding="utf-8").split("\n") if recorded.exists() else []
    now = packages()
    versions = dict(line.split("==", 1) for line in now)
    changed = [
        f"{name} {versions.get(name, 'is missing')} instead of {version}"
        for name, equals, version in (line.partition("==") for line in before)
        if equals and f"{name}=={version}" not in now
    ]
    more = [f"and {len(changed) - 5} more"] if len(changed) > 5 else []
    for lock in sorted((run / CODE / "requirements").glob("*.txt")):
        current = root / "requirements" / lock.name
        if current.exists() and current.read_bytes() != lock.read_bytes():
            more.append(f"requirements/{lock.name} has changed")
    changes = ", ".join([*changed[:5], *more])
    return f"changed since this run was created: {changes}; results may differ" if changes else ""
