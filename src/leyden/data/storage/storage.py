import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch.utilities import rank_zero_only

from ..core.error import DataError
from ..core.samples import Samples
from .cache import Entry, Sample, Stored, cached
from .decoding_warnings import DecodingWarnings

log = logging.getLogger("leyden.data")

Place = Literal["device", "memory", "disk"]
CACHE = "data/cache"
ROOT = Path()  # where a cache's relative path begins: commands work in the project's folder


class Storage:
    """Where the samples of a data module live.

    Args:
        place: on the `device`; in `memory`; or on `disk`, whose files are decoded in every epoch. By default in memory
            where those of a split take no more than `memory_gb`, else on disk.
        memory_gb: see above, in gigabytes.
        cache: folder of the decoded samples, which all processes of a node map and later runs find again. Without one,
            each process decodes for itself and has its own.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, place: Place | None = None, memory_gb: float = 4.0, cache: str | None = CACHE) -> None:
        if place not in (None, "device", "memory", "disk"):
            raise ValueError(f"storage is {place!r}; it must be device, memory, disk, or null for what the size says")
        if memory_gb < 0:
            raise ValueError(f"memory_gb is {memory_gb}; it must not be negative")
        self.place: Place | None = place
        self.memory_gb, self.cache = memory_gb, ROOT / Path(cache).expanduser() if cache else None
        self.used: set[Path] = set()  # parts of the cache
        self.warnings = DecodingWarnings()
        self._moved: list[Samples] = []

    @property
    def streams(self) -> Path | None:
        """Where chunks of remote streams are kept."""
        return self.cache / "streams" if self.cache else None

    def holds(self, num_bytes: float, what: str) -> bool:
        """Whether decoded samples are to be kept; says so where they are too large."""
        if self.place == "disk":
            return False
        if self.place or num_bytes <= self.memory_gb * 1e9:
            return True
        say(
            f"{what} take {num_bytes / 1e9:.2f} GB decoded, more than data.memory_gb={self.memory_gb:g}: they are "
            "decoded in every epoch. Raise the limit (a cache is mapped, and need not fit into memory), or decode ahead "
            "with data.num_workers"
        )
        return False

    def entry(self, made_of: dict[str, Any] | None) -> Entry | None:
        """The part of the cache for samples that are made of this; None without a cache, or where nobody knows of what."""
        return Entry(self.cache, made_of) if self.cache and made_of else None

    def keep(
        self,
        entry: Entry | None,
        build: Callable[[], Iterable[Sample]],
        is_ragged: bool,
        num_bytes: float,
        is_good: Callable[[Stored], bool] = lambda stored: True,
    ) -> Stored | None:
        """What the cache has there, see `cached`; None where there is no place, or, with a line, it cannot be written."""
        if not entry:
            return None

        def on_wait() -> None:
            say(f"another process decodes what will be in {entry.path}: waiting for it")

        try:
            stored, is_new = cached(entry, build, is_ragged, num_bytes, is_good, on_wait, lambda: self.warnings.texts)
        except OSError as error:
            say(f"the cache {self.cache} cannot be used, so that each process keeps its own samples: {error}")
            return None
        self.used.add(entry.path)
        for kind, text in stored.about.get("warnings", {}).items():
            self.warnings.warn(kind, text)
        done = f"decoded in {stored.about['seconds']:.1f} s, and mapped" if is_new else "mapped"
        say(f"{stored.about['rows']} samples {done} from {entry.path}: {stored.samples.nbytes / 1e6:.1f} MB")
        return stored

    def move(self, samples: Samples, device: torch.device) -> bool:
        """Puts samples on the device, once, where they are to live there; says whether.

        Raises:
            DataError: they cannot, or there is no room.
        """
        if self.place == "device" and samples not in self._moved:
            try:
                num_bytes = samples.move(device)
            except torch.cuda.OutOfMemoryError as error:
                raise DataError(f"the samples do not fit on {device}: set data.storage=memory. {error}") from None
            self._moved.append(samples)
            say(f"{len(samples)} samples live on {device}: {num_bytes / 1e6:.1f} MB")
        return self.place == "device"


@rank_zero_only
def say(text: str) -> None:
    log.info(text)
