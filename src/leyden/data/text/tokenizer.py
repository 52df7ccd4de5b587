from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from ..core.error import DataError

PADDING, UNKNOWN, BEGIN, END = "[PAD]", "[UNK]", "[BOS]", "[EOS]"


class Tokenizer(Protocol):
    """Interface of tokenizers.

    Token ids range from 0 to `vocab_size - 1`; an untrained tokenizer has a `vocab_size` of 0. Special tokens at the start
    and end of every text are added by `encode` and omitted by `decode`.
    """

    padding: int  # id of the padding token
    unknown: int  # id of all tokens outside the vocabulary

    @property
    def vocab_size(self) -> int: ...

    @property
    def vocabulary(self) -> list[str]:
        """All tokens, by id."""
        ...

    def train(self, texts: Iterable[str]) -> None:
        """Learn the vocabulary, deterministically."""

    def encode(self, texts: list[str], max_tokens: int | None = None) -> list[list[int]]:
        """Encode texts as token ids; an empty list for a text without tokens.

        Longer texts are truncated to `max_tokens`, keeping a special token at the end.

        Raises:
            DataError: `max_tokens` leaves no room for text.
        """
        ...

    def decode(self, tokens: list[int]) -> str:
        """Decode token ids to a text for display, without padding."""
        ...

    def save(self, folder: Path) -> None:
        """Write the files that `load` needs to an existing folder."""

    def load(self, folder: Path) -> None:
        """Restore a saved tokenizer.

        Raises:
            DataError: it is missing.
        """


def tokenizer_file(folder: Path) -> Path:
    """Path of a saved tokenizer.

    Raises:
        DataError: it is missing.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise DataError(f"there is no {path}: was this run stopped before its data was ready?")
    return path


def fixed_tokens(begin: bool, end: bool) -> list[str]:
    """The first tokens of a vocabulary, by id."""
    return [PADDING, UNKNOWN, *[BEGIN] * begin, *[END] * end]
