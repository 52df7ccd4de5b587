import logging

import torch
from lightning.pytorch.utilities import rank_zero_only

log = logging.getLogger("leyden.data")

KINDS, BYTES = 8, 1024


class DecodingWarnings:
    """What is lost as files are decoded: one warning of each kind, whichever of the processes of a loader decodes.

    The texts lie in memory that forked processes share, so that a cache can keep them with its samples: a run that finds
    its samples decoded warns all the same.
    """

    def __init__(self) -> None:
        self._slots = torch.zeros(KINDS, BYTES, dtype=torch.uint8).share_memory_()

    def warn(self, kind: str, text: str) -> None:
        """Logs a text, unless one of its kind was logged."""
        for number, known in enumerate(self._contents()):
            if known is not None and known[0] == kind:
                return
            if known is None:
                content = f"{kind}\n{text}".encode(errors="backslashreplace")[:BYTES]
                self._slots[number, : len(content)] = torch.frombuffer(bytearray(content), dtype=torch.uint8)
                break
        rank_zero_only(log.warning)(text)

    @property
    def texts(self) -> dict[str, str]:
        """The warnings so far, by their kind."""
        return dict(known for known in self._contents() if known)

    def _contents(self) -> list[tuple[str, str] | None]:
        samples = [bytes(sample.tolist()).rstrip(b"\0").decode(errors="ignore") for sample in self._slots]
        return [(sample.partition("\n")[0], sample.partition("\n")[2]) if sample else None for sample in samples]
