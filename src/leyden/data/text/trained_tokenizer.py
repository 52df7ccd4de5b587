from pathlib import Path

import tokenizers

from .tokenizer import tokenizer_file


class TrainedTokenizer:
    """Base class of tokenizers of the `tokenizers` library: vocabulary, saving and loading."""

    _tokenizer: tokenizers.Tokenizer

    @property
    def vocab_size(self) -> int:
        return self._tokenizer.get_vocab_size()

    @property
    def vocabulary(self) -> list[str]:
        ids = self._tokenizer.get_vocab()
        return sorted(ids, key=ids.__getitem__)

    def save(self, folder: Path) -> None:
        self._tokenizer.no_truncation()
        self._tokenizer.save(str(folder / "tokenizer.json"))

    def load(self, folder: Path) -> None:
        self._tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer_file(folder)))
