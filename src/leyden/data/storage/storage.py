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
ROOT = Path()  # for a relative cache path: commands run in the project folder


class Storage:
    """Where the samples of a data module are kept.

    Args:
        place: `device`, `memory`, or `disk`, which decodes the files in every epoch. By default `memory` if the decoded
            samples of a split take at most `memory_gb`, else `disk`.
        memory_gb: limit in gigabytes.
        cache: folder for decoded samples, which all processes of a node memory-map and later runs reuse. Without it, each
            process decodes and keeps its own copy.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, place: Place | None = None, memory_gb: float = 4.0, cache: str | None = CACHE) -> None:
        if place not in (None, "device", "memory", "disk"):
            raise ValueError(f"storage is {place!r}; it must be device, memory, disk, or null to choose by size")
        if memory_gb < 0:
            raise ValueError(f"memory_gb is {memory_gb}; it must not be negative")
        self.place: Place | None = place
        self.memory_gb, self.cache = memory_gb, ROOT / Path(cache).expanduser() if cache else None
        self.used: set[Path] = set()  # cache entries
        self.warnings = DecodingWarnings()
        self._moved: list[Samples] = []

    @property
    def streams(self) -> Path | None:
        """Folder for chunks of remote streams."""
        return self.cache / "streams" if self.cache else None

    def holds(self, num_bytes: float, what: str) -> bool:
        """Whether decoded samples are to be kept; logs a message if they are too large."""
        if self.place == "disk":
            return False
        if self.place or num_bytes <= self.memory_gb * 1e9:
            return True
        log_info(
            f"{what} take {num_bytes / 1e9:.2f} GB decoded, more than data.memory_gb={self.memory_gb:g}: they are "
            "decoded in every epoch. Raise the limit (the cache is memory-mapped, so it need not fit into memory), or "
            "decode ahead with data.num_workers"
        )
        return False

    def entry(self, made_of: dict[str, Any] | None) -> Entry | None:
        """Cache entry for samples that depend on these values; None without a cache or values."""
        return Entry(self.cache, made_of) if self.cache and made_of else None

    def keep(
        self,
        entry: Entry | None,
        build: Callable[[], Iterable[Sample]],
        is_ragged: bool,
        num_bytes: float,
        is_good: Callable[[Stored], bool] = lambda stored: True,
    ) -> Stored | None:
        """Samples of a cache entry, see `cached`; None without an entry or, with a message, if it cannot be written."""
        if not entry:
            return None

        def on_wait() -> None:
            log_info(f"waiting for another process that decodes to {entry.path}")

        try:
            stored, is_new = cached(entry, build, is_ragged, num_bytes, is_good, on_wait, lambda: self.warnings.texts)
        except OSError as error:
            log_info(f"the cache {self.cache} cannot be used, so each process keeps its own samples: {error}")
            return None
        self.used.add(entry.path)
        for kind, text in stored.metadata.get("warnings", {}).items():
            self.warnings.warn(kind, text)
        done = f"decoded in {stored.metadata['seconds']:.1f} s, and mapped" if is_new else "mapped"
        log_info(f"{stored.metadata['rows']} samples {done} from {entry.path}: {stored.samples.nbytes / 1e6:.1f} MB")
        return stored

    def move(self, samples: Samples, device: torch.device) -> bool:
        """Move samples to the device once if `place` is `device`; returns whether it is.

        Raises:
            DataError: the samples are not in memory, or do not fit on the device.
        """
        if self.place == "device" and samples not in self._moved:
            try:
                num_bytes = samples.move(device)
            except torch.cuda.OutOfMemoryError as error:
                raise DataError(f"the samples do not fit on {device}: set data.storage=memory. {error}") from None
            self._moved.append(samples)
            log_info(f"{len(samples)} samples are on {device}: {num_bytes / 1e6:.1f} MB")
        return self.place == "device"


@rank_zero_only
def log_info(text: str) -> None:
    log.info(text)
