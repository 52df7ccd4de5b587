from typing import Protocol

from .tokenizer import Tokenizer


class LosslessTokenizer(Tokenizer, Protocol):
    """A tokenizer whose tokens concatenate to the bytes of the text, as language modelling requires.

    `padding` has no bytes: it fills batches, and is the end-of-text token between two documents.
    """

    @property
    def token_bytes(self) -> list[bytes]:
        """UTF-8 bytes of each token, by id."""
        ...
