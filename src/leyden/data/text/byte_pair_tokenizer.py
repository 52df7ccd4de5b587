from collections.abc import Iterable

import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from .trained_tokenizer import TrainedTokenizer

# The `tokenizers` library represents each byte by one printable character: printable latin-1 bytes by themselves, the
# others, in order, by the characters from U+0100 on.
PRINTABLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
UNPRINTABLE = [byte for byte in range(256) if byte not in PRINTABLE]
BYTES = {chr(byte): byte for byte in PRINTABLE} | {chr(0x100 + index): byte for index, byte in enumerate(UNPRINTABLE)}


class BytePairTokenizer(TrainedTokenizer):
    """Byte-level byte pair encoding of the `tokenizers` library, which can encode every text.

    Source: Radford et al., Language Models are Unsupervised Multitask Learners, 2019, section 2.2; Sennrich et al.,
    Neural Machine Translation of Rare Words with Subword Units, 2016, https://arxiv.org/abs/1508.07909.

    Args:
        max_vocab_size: maximum number of tokens, including [PAD]; 257 means bytes only.
    """

    padding = unknown = 0  # no text has an unknown token

    def __init__(self, max_vocab_size: int = 4096) -> None:
        if max_vocab_size < 257:
            raise ValueError(f"max_vocab_size is {max_vocab_size}; [PAD] and all bytes need at least 257")
        self.max_vocab_size = max_vocab_size
        self._tokenizer = tokenizers.Tokenizer(models.BPE())
        self._tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)

    @property
    def token_bytes(self) -> list[bytes]:
        return [b"", *(bytes(BYTES[character] for character in token) for token in self.vocabulary[1:])]

    def train(self, texts: Iterable[str]) -> None:
        trainer = trainers.BpeTrainer(
            vocab_size=self.max_vocab_size,
            min_frequency=2,
            special_tokens=["[PAD]"],
            initial_alphabet=list(BYTES),
            show_progress=False,
        )
        self._tokenizer.train_from_iterator(texts, trainer)

    def encode(self, texts: list[str], max_tokens: int | None = None) -> list[list[int]]:
        self._tokenizer.encode_special_tokens = True  # "[PAD]" in a text is five characters, not the special token
        return [encoding.ids[:max_tokens] for encoding in self._tokenizer.encode_batch_fast(texts)]

    def decode(self, tokens: list[int]) -> str:
        characters = "".join(self._tokenizer.id_to_token(token) or "" for token in tokens if token != self.padding)
        return bytes(BYTES[character] for character in characters).decode(errors="replace")
