"""Which rows of metrics.csv the server of Weights & Biases holds. Imports no torch."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

UNKNOWN = "?"  # a row that was sent before this file was kept


class SentRows:
    """The identity of each row that was sent, in the order of W&B's steps: the server tells only how many it has.

    A row is identified by its step in the training, its kind, which is the names of its metrics, and its number among
    rows that share both: not by its place in metrics.csv, which is another one where a run was resumed differently.

    Args:
        path: where the identities are kept, one a line.
        received: rows that the server has; what was sent after those has not arrived.
    """

    def __init__(self, path: Path, received: int) -> None:
        self.path = path
        sent = path.read_text(encoding="utf-8").split() if path.exists() else []
        self.sent = sent[:received]
        self.unknown = received - len(self.sent)
        path.write_text("".join(f"{identity}\n" for identity in self.sent), encoding="utf-8")
        self.held = set(self.sent)
        self.seen: Counter[str] = Counter()
        self.known = self.total = 0

    def has(self, row: Mapping[str, Any]) -> bool:
        """Whether the server has a row, or is about to, where else this says that it is sent.

        Asked once for each row, with its `step`, in the order of the file and from its first row on.
        """
        names = sorted(name for name, value in row.items() if value not in ("", None))
        kind = f"{row.get('step')}-{crc32(' '.join(names).encode()):08x}"
        self.seen[kind] += 1
        identity, number, self.total = f"{kind}-{self.seen[kind]}", self.total, self.total + 1
        if self.unknown and number == len(self.sent):  # known by its place, as all rows once were
            self._add(identity)
            self.unknown -= 1
        if identity in self.held:
            self.known += 1
            return True
        for _ in range(self.unknown):
            self._add(UNKNOWN)
        self.unknown = 0
        self._add(identity)
        return False

    @property
    def next_step(self) -> int:
        """W&B's, of a row that is sent next."""
        return len(self.sent) + self.unknown

    def _add(self, identity: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{identity}\n")
        self.sent.append(identity)
        self.held.add(identity)
