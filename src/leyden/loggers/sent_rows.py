"""Track which rows of metrics.csv the Weights & Biases server has. Torch-free."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

UNKNOWN = "?"  # a row that was sent before this file existed


class SentRows:
    """The identities of the rows that were sent, in the order of W&B's steps: the server only reports their number.

    A row is identified by its training step, the names of its metrics, and its index among rows that share both, not by
    its position in metrics.csv, which differs if a run was resumed from another checkpoint.

    Args:
        path: File of the identities, one per line.
        received: Number of rows that the server has; rows sent after these have not arrived.
    """

    def __init__(self, path: Path, received: int) -> None:
        self.path = path
        sent = path.read_text(encoding="utf-8").split() if path.exists() else []
        self.sent = sent[:received]
        self.unknown = received - len(self.sent)
        path.write_text("".join(f"{identity}\n" for identity in self.sent), encoding="utf-8")
        self.identities = set(self.sent)
        self.seen: Counter[str] = Counter()
        self.num_present = self.total = 0

    def has(self, row: Mapping[str, Any]) -> bool:
        """Whether the server has a row; if not, it is recorded as sent.

        Must be called once for each row, with its `step`, in file order from the first row.
        """
        names = sorted(name for name, value in row.items() if value not in ("", None))
        kind = f"{row.get('step')}-{crc32(' '.join(names).encode()):08x}"
        self.seen[kind] += 1
        identity, index, self.total = f"{kind}-{self.seen[kind]}", self.total, self.total + 1
        if self.unknown and index == len(self.sent):  # identified by its position, as in older versions
            self._add(identity)
            self.unknown -= 1
        if identity in self.identities:
            self.num_present += 1
            return True
        for _ in range(self.unknown):
            self._add(UNKNOWN)
        self.unknown = 0
        self._add(identity)
        return False

    @property
    def next_step(self) -> int:
        """W&B's step of the next row that is sent."""
        return len(self.sent) + self.unknown

    def _add(self, identity: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{identity}\n")
        self.sent.append(identity)
        self.identities.add(identity)
