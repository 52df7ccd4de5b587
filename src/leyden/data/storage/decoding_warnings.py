import logging

import torch
from lightning.pytorch.utilities import rank_zero_only

log = logging.getLogger("leyden.data")

MAX_WARNINGS, WARNING_BYTES = 8, 1024


class DecodingWarnings:
    """Warnings about decoded files, one of each kind, from all worker processes.

    The texts are in shared memory, so that a cache stores them with its samples and a run that reads samples from the
    cache logs them too.
    """

    def __init__(self) -> None:
        self._slots = torch.zeros(MAX_WARNINGS, WARNING_BYTES, dtype=torch.uint8).share_memory_()

    def warn(self, kind: str, text: str) -> None:
        """Log a warning, unless one of its kind was logged."""
        for slot, logged in zip(self._slots, self._contents(), strict=True):
            if logged is not None and logged[0] == kind:
                return
            if logged is None:
                content = f"{kind}\n{text}".encode(errors="backslashreplace")[:WARNING_BYTES]
                slot[: len(content)] = torch.frombuffer(bytearray(content), dtype=torch.uint8)
                break
        rank_zero_only(log.warning)(text)

    @property
    def texts(self) -> dict[str, str]:
        """The logged warnings, by kind."""
        return dict(logged for logged in self._contents() if logged)

    def _contents(self) -> list[tuple[str, str] | None]:
        texts = [bytes(slot.tolist()).rstrip(b"\0").decode(errors="ignore") for slot in self._slots]
        return [(text.partition("\n")[0], text.partition("\n")[2]) if text else None for text in texts]
