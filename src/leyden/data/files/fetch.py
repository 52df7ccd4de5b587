from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.error import URLError

from filelock import FileLock
from torch.hub import download_url_to_file

from ..core.error import DataError

DATA = Path("data")  # of the project


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Runs of a project that begin at once, as those of a job array do, do not download into the same files."""
    with ExitStack() as stack:
        with suppress(OSError, NotImplementedError):  # nothing can be written there, or locked
            if DATA.is_dir():
                stack.enter_context(FileLock(DATA / ".download.lock"))
        yield


def fetch(url: str, sha256: str, path: Path) -> None:
    """Downloads a file, unless it is there.

    Raises:
        DataError: the server or the checksum refuses; nothing is left at `path`.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        download_url_to_file(url, str(path), hash_prefix=sha256, progress=False)
    except (URLError, OSError, RuntimeError) as error:
        raise DataError(
            f"cannot download {url}: {error}\nFetch it by other means and put it at {path.absolute()}"
        ) from None
