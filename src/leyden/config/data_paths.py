"""Files and folders that a dataset's settings name and the disk does not have, before anything heavy is imported."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import hint
from .static.provides import declared


def missing_paths(
    target: str, arguments: Mapping[str, Any], root: Path, is_here: bool = True
) -> Iterator[tuple[str, str]]:
    """The arguments of a data module that name what is not there, each with a sentence.

    A class tells of its arguments in `paths`: `("root/", "root/manifest")` are a folder and a file in it. With a
    stream, or where the files are downloaded, nothing has to be there yet.

    Args:
        target: the data module's dotted name.
        arguments: with their defaults.
        root: the folder to which paths are relative, the project's.
        is_here: whether the run is executed on this machine; if not, only what lies in the project is looked for.
    """
    if arguments.get("download") or arguments.get("stream"):
        return
    missing: list[Path] = []
    for pattern in declared(target, "paths") or []:
        names = pattern.rstrip("/").split("/")
        values = [arguments.get(name) for name in names]
        if not all(isinstance(value, str) and value not in ("", "???") for value in values):
            continue
        try:
            path = root.joinpath(*(Path(str(value)).expanduser() for value in values))
            is_judged = (is_here or path.is_relative_to(root)) and not any(map(path.is_relative_to, missing))
            text = _problem(path, pattern.endswith("/")) if is_judged else ""
        except (OSError, RuntimeError) as error:  # a name that is too long, a folder that may not be read, no such user
            path, text = root, str(error)
        if text:
            missing.append(path)
            yield names[-1], text


def _problem(path: Path, is_folder: bool) -> str:
    """What is wrong with a path, or nothing."""
    if is_folder and path.is_file():
        return f"{path} is a file; expected a folder"
    if path.exists():
        return ""
    first = next(part for part in (*reversed(path.parents), path) if not part.exists())
    names = [one.name for one in first.parent.iterdir()] if first.parent.is_dir() else []
    near = hint(first.name, names, few=5)
    within = "" if first == path else f"; {first.parent} has no {first.name!r}"
    return f"there is no {'folder' if is_folder else 'file or folder'} {path}{within}{near}"
