import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

from ..core.error import DataError


@contextmanager
def checked_archives() -> Iterator[None]:
    """Make all libraries reject tar archives that would write or link outside the folder that they are extracted to.

    This is Python's default from 3.14 on. The filter stays set, for datasets that extract when they are opened. Python's
    zip extraction is safe by default.

    Raises:
        DataError: an archive was rejected.
    """
    if not hasattr(tarfile, "data_filter"):  # Python 3.11.3 and earlier
        yield
        return
    tarfile.TarFile.extraction_filter = staticmethod(tarfile.data_filter)
    try:
        yield
    except tarfile.FilterError as error:
        raise DataError(f"an archive of the dataset was rejected: {error}; do not use it") from error
