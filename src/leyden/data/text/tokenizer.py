from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from ..core.error import DataError

PADDING, UNKNOWN, BEGIN, END = "[PAD]", "[UNK]", "[BOS]", "[EOS]"


class Tokenizer(Protocol):
    """What text data needs of a tokenizer, whichever library it is made of.

    Token ids run from 0 to `vocab_size - 1`; one that is not trained has a `vocab_size` of 0. A tokenizer that puts a
    token before and after every text does so in `encode`, and `decode` leaves them out.
    """

    padding: int  # id that fills a batch up
    unknown: int  # id of every token outside the vocabulary

    @property
    def vocab_size(self) -> int: ...

    @property
    def vocabulary(self) -> list[str]:
        """All tokens, in the order of their ids."""
        ...

    def train(self, texts: Iterable[str]) -> None:
        """Learns the vocabulary: the same texts in the same order give the same ids."""

    def encode(self, texts: list[str], max_tokens: int | None = None) -> list[list[int]]:
        """Texts -> token ids, none for a text without a token.

        What is longer than `max_tokens` loses the last tokens of its text, never the one that ends every text.

        Raises:
            DataError: `max_tokens` leaves no room for a token of the text.
        """
        ...

    def decode(self, tokens: list[int]) -> str:
        """Token ids -> a text to show, without padding."""
        ...

    def save(self, folder: Path) -> None:
        """Writes all that `load` needs into a folder that exists."""

    def load(self, folder: Path) -> None:
        """Becomes the tokenizer that was saved there.

        Raises:
            DataError: there is none.
        """


def tokenizer_file(folder: Path) -> Path:
    """
    Raises:
        DataError: there is none.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise DataError(f"there is no {path}: was this run stopped before its data was ready?")
    return path


def fixed_tokens(begin: bool, end: bool) -> list[str]:
    """The first tokens of a vocabulary, in the order of their ids."""
    return [PADDING, UNKNOWN, *[BEGIN] * begin, *[END] * end]
