import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

from ..core.error import DataError


@contextmanager
def checked_archives() -> Iterator[None]:
    """Has all libraries refuse tar archives that would write, or link, outside of the folder they are extracted to.

    That is Python's own rule from 3.14 on, and stays on for datasets that extract when they are opened; zip archives
    never could.

    Raises:
        DataError: an archive was refused.
    """
    if not hasattr(tarfile, "data_filter"):  # Python 3.11.3 and earlier
        yield
        return
    tarfile.TarFile.extraction_filter = staticmethod(tarfile.data_filter)
    try:
        yield
    except tarfile.FilterError as error:
        raise DataError(f"an archive of the dataset was refused: {error}; do not use it") from error
