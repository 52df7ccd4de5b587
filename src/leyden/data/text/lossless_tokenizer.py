from typing import Protocol

from .tokenizer import Tokenizer


class LosslessTokenizer(Tokenizer, Protocol):
    """A tokenizer whose tokens, one after the other, are the bytes of the text: what a language model needs.

    `padding` stands for no byte. It fills batches up, and between two documents it is the end of the first.
    """

    @property
    def token_bytes(self) -> list[bytes]:
        """The bytes that each token stands for, in UTF-8, by its id."""
        ...
