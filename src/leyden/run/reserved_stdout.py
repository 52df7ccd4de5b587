import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import BinaryIO


@contextmanager
def reserved_stdout() -> Iterator[BinaryIO]:
    """Keeps standard output for results: whatever Python code, libraries in C or child processes print meanwhile goes
    to standard error.

    Yields:
        Standard output, for bytes.
    """
    _flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr), os.fdopen(os.dup(kept), "wb") as output:
            yield output
    finally:
        _flush()  # what C code has buffered would be written once the descriptor is that of the results again
        os.dup2(kept, 1)
        os.close(kept)


def _flush() -> None:
    sys.stdout.flush()
    ctypes.CDLL(None).fflush(None)
