import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import BinaryIO


@contextmanager
def reserved_stdout() -> Iterator[BinaryIO]:
    """Reserve standard output for results: other output of Python, C libraries and child processes goes to standard
    error.

    Yields:
        Standard output as a binary stream.
    """
    _flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr), os.fdopen(os.dup(kept), "wb") as output:
            yield output
    finally:
        _flush()  # otherwise, output buffered by C code would follow the results
        os.dup2(kept, 1)
        os.close(kept)


def _flush() -> None:
    sys.stdout.flush()
    ctypes.CDLL(None).fflush(None)
