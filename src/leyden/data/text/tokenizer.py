from collections.abc import Iterable
from pathlib import Path
from typing import Protocol


class Tokenizer(Protocol):
    """What text data needs of a tokenizer, whichever library it is made of.

    Token ids run from 0 to `vocab_size - 1`; one that is not trained has a `vocab_size` of 0.
    """

    padding: int  # id that fills a batch up
    unknown: int  # id of every token outside the vocabulary

    @property
    def vocab_size(self) -> int: ...

    def train(self, texts: Iterable[str]) -> None:
        """Learns the vocabulary: the same texts in the same order give the same ids."""

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Texts -> token ids, none for a text without a token."""
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
