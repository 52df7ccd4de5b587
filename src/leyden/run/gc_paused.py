import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause garbage collection during imports and freeze the imported objects.

    Importing torch and Lightning creates a million objects; collecting them takes a tenth of the time, again in each
    full collection. Forked processes keep sharing the memory of frozen objects.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
