import os
from collections.abc import Iterable
from pathlib import Path

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, trainers

from ..error import DataError

# Set at all, it spares a warning at every fork; workers that read batches ahead only copy ids and need no tokenizer.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")


class WordTokenizer:
    """Words and runs of punctuation by the `tokenizers` library; ids in order of frequency.

    Args:
        max_vocab_size: tokens to keep at most, with [PAD] and [UNK].
        min_frequency: how often the training texts must hold a token for it to be kept.
        lowercase: do not tell upper from lower case.
    """

    padding, unknown = 0, 1

    def __init__(self, max_vocab_size: int = 30_000, min_frequency: int = 1, lowercase: bool = True) -> None:
        if max_vocab_size < 3:
            raise ValueError(
                f"max_vocab_size is {max_vocab_size}; it must leave room beside [PAD] and [UNK]: at least 3"
            )
        if min_frequency < 1:
            raise ValueError(f"min_frequency is {min_frequency}; it must be at least 1")
        self.max_vocab_size, self.min_frequency = max_vocab_size, min_frequency
        self._tokenizer = tokenizers.Tokenizer(models.WordLevel(unk_token="[UNK]"))
        self._tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), *[normalizers.Lowercase()] * lowercase])
        self._tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()

    @property
    def vocab_size(self) -> int:
        return self._tokenizer.get_vocab_size()

    def train(self, texts: Iterable[str]) -> None:
        trainer = trainers.WordLevelTrainer(
            vocab_size=self.max_vocab_size,
            min_frequency=self.min_frequency,
            special_tokens=["[PAD]", "[UNK]"],
            show_progress=False,
        )
        self._tokenizer.train_from_iterator(texts, trainer)

    def encode(self, texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]

    def decode(self, tokens: list[int]) -> str:
        shown = [token for token in tokens if token != self.padding]
        return self._tokenizer.decode(shown, skip_special_tokens=False)

    def save(self, folder: Path) -> None:
        self._tokenizer.save(str(folder / "tokenizer.json"))

    def load(self, folder: Path) -> None:
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise DataError(f"there is no {path}: was this run stopped before its data was ready?")
        self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
