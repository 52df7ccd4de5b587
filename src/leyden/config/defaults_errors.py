"""What to change in a file whose defaults list Hydra cannot use."""

import re
from pathlib import Path

GLOBAL = "# @package _global_"


def explain(message: str, root: Path, experiment: str | None) -> str | None:
    """Return the fix for one of Hydra's messages about a defaults list, with file and line; None if it is another one.

    Args:
        message: Hydra's.
        root: The project's folder.
        experiment: The chosen experiment.
    """
    file = Path("configs/experiment") / f"{experiment}.yaml"
    if not experiment or not (root / file).is_file():
        return None
    lines = (root / file).read_text(encoding="utf-8").splitlines()
    if GLOBAL not in lines and "@experiment" in message:
        return f"{file}:1  add the line '{GLOBAL}' at the top, so that the file applies to the whole configuration"
    if repeated := re.search(r"(?:Multiple values for |is defined before '/?)(\w+)", message):
        group = repeated[1]
        pattern, right = rf"\s*-\s*/?{group}\s*:\s*(\S+)", f"override /{group}: "
    elif unmatched := re.search(r"Could not override '[\w/]*?(\w+)@", message):
        group = unmatched[1]
        pattern, right = rf"\s*-\s*override\s+{group}\s*:\s*(\S+)", f"override /{group}: "
    else:
        return None
    for number, line in enumerate(lines, 1):
        if found := re.match(pattern, line):
            return f"{file}:{number}  expected '- {right}{found[1]}', got '{line.strip()}'"
    return None
