"""The Python, the packages and the lock that a run was made with, and what differs now."""

import platform
import re
from importlib.metadata import distributions
from pathlib import Path

from .code_copy import CODE

FILE = "environment.txt"


def packages() -> list[str]:
    """Python and the installed packages, as `name==version`."""
    # The two lines alone: to parse all of the text, as for `name` and `version`, takes a fifth of a second.
    texts = (one.read_text("METADATA") or one.read_text("PKG-INFO") or "" for one in distributions())
    heads = (dict(re.findall(r"(?m)^(Name|Version): *(\S+)", text.partition("\n\n")[0])) for text in texts)
    found = {f"{head['Name']}=={head['Version']}" for head in heads if len(head) == 2}
    return [f"python=={platform.python_version()}", *sorted(found, key=str.lower)]


def differences(run: Path, root: Path) -> str:
    """A sentence on what is not as it was when a run was made; empty where nothing is.

    Packages that were added are left out: what did not need them then does not now.

    Args:
        run: the run directory.
        root: the project's folder, whose lock is compared with that in the run's copy of the code.
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
    found = ", ".join([*changed[:5], *more])
    return f"not as when this run was made: {found}; results may differ" if found else ""
