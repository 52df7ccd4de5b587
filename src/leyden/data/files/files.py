from collections.abc import Collection
from pathlib import Path

from ...errors import UserError
from ..core.error import DataError
from .file_splits import no_files
from .scan import scan


def find_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """All files below a folder with one of the suffixes, sorted by name; see `scan`.

    Raises:
        DataError: there are none.
    """
    result = scan(folder, suffixes)
    if not result.files:
        raise DataError(no_files(result, suffixes))
    return result.files


def expand_inputs(inputs: list[Path], suffixes: Collection[str]) -> list[Path]:
    """Expand files and folders, as given on a command line, to files.

    Raises:
        UserError: a path does not exist, or has no file with one of the suffixes.
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
            raise UserError(f"{path}: expected a file with the suffix {', '.join(sorted(suffixes))}")
    return files
