from collections.abc import Collection
from pathlib import Path

from ...errors import UserError
from ..core.error import DataError
from .file_splits import no_files
from .scan import scan


def find_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """All files below a folder with one of the endings, in the order of their names; see `scan`.

    Raises:
        DataError: there is none.
    """
    found = scan(folder, suffixes)
    if not found.files:
        raise DataError(no_files(found, suffixes))
    return found.files


def expand_inputs(inputs: list[Path], suffixes: Collection[str]) -> list[Path]:
    """Files and folders of files, as given on a command line -> files.

    Raises:
        UserError: one does not exist, or holds nothing of that kind.
    """
    files = []
    for path in inputs:
        try:
            files += find_files(path, suffixes) if path.is_dir() else [path]
        except DataError as error:
            raise UserError(str(error)) from None
        if not path.exists():
            raise UserError(f"there is no file or folder {path}")
        if path.is_file() and path.suffix.lower() not in suffixes:
            raise UserError(f"{path} is none of {', '.join(sorted(suffixes))}")
    return files
