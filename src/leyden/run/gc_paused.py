import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """For imports: what they make is kept for good, and nobody looks for garbage in it.

    Python would do so again and again while a million objects of torch and Lightning come, which takes a tenth of the
    time, and later with each full collection. Forked processes go on sharing the memory of what is never looked at.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
