"""Find missing files and folders of a dataset without importing it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import hint
from .static.provides import declared


def missing_paths(
    target: str, arguments: Mapping[str, Any], root: Path, is_local: bool = True
) -> Iterator[tuple[str, str]]:
    """Yield the arguments of a data module that name missing files or folders, each with a message.

    A class declares its path arguments in `paths`: `("root/", "root/manifest")` are a folder and a file in it. With a
    stream or a download, no file has to exist yet.

    Args:
        target: The dotted name of the data module.
        arguments: Its arguments, including defaults.
        root: The project's folder, to which paths are relative.
        is_local: Whether the run is executed on this machine; if not, only paths in the project are checked.
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
            is_checked = (is_local or path.is_relative_to(root)) and not any(map(path.is_relative_to, missing))
            text = _problem(path, pattern.endswith("/")) if is_checked else ""
        except (OSError, RuntimeError) as error:  # a name that is too long, an unreadable folder, an unknown user
            path, text = root, str(error)
        if text:
            missing.append(path)
            yield names[-1], text


def _problem(path: Path, is_folder: bool) -> str:
    """Return a message if a path is missing or not a folder as expected, else an empty string."""
    if is_folder and path.is_file():
        return f"expected a folder, got the file {path}"
    if path.exists():
        return ""
    first = next(part for part in (*reversed(path.parents), path) if not part.exists())
    names = [entry.name for entry in first.parent.iterdir()] if first.parent.is_dir() else []
    near = hint(first.name, names, few=5)
    within = "" if first == path else f"; {first.parent} has no {first.name!r}"
    return f"there is no {'folder' if is_folder else 'file or folder'} {path}{within}{near}"
