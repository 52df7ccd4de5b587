from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.error import URLError

from filelock import FileLock
from torch.hub import download_url_to_file

from ..core.error import DataError

DATA = Path("data")  # data folder of the project


@contextmanager
def download_lock() -> Iterator[None]:
    """Prevent runs that start at the same time, such as those of a job array, from downloading to the same files."""
    with ExitStack() as stack:
        with suppress(OSError, NotImplementedError):  # a read-only file system, or one without locks
            if DATA.is_dir():
                stack.enter_context(FileLock(DATA / ".download.lock"))
        yield


def fetch(url: str, sha256: str, path: Path) -> None:
    """Download a file unless it exists.

    Raises:
        DataError: the download failed or the checksum does not match; `path` is then not created.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        download_url_to_file(url, str(path), hash_prefix=sha256, progress=False)
    except (URLError, OSError, RuntimeError) as error:
        raise DataError(f"cannot download {url}: {error}\nDownload it by other means to {path.absolute()}") from None
