import os
from collections.abc import Iterable, Sequence
from typing import Any

import tokenizers
from tokenizers import processors

from ..core.error import DataError
from .tokenizer import BEGIN, END, PADDING, fixed_tokens
from .trained_tokenizer import TrainedTokenizer

# Setting it avoids a warning at every fork; workers only copy ids and need no tokenizer.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")


class HuggingFaceTokenizer(TrainedTokenizer):
    """Base class of tokenizers of the `tokenizers` library. A new one implements `trainer`.

    Args:
        tokenizer: untrained tokenizer of the library.
        max_vocab_size: maximum number of tokens, including special tokens.
        min_frequency: minimum frequency of a token in the training texts.
        begin: prepend [BOS] to every text.
        end: append [EOS] to every text.
        specials: words that are never split or normalized and are always in the vocabulary.
    """

    padding, unknown = 0, 1

    def __init__(
        self,
        tokenizer: tokenizers.Tokenizer,
        max_vocab_size: int = 30_000,
        min_frequency: int = 1,
        begin: bool = False,
        end: bool = False,
        specials: Sequence[str] = (),
    ) -> None:
        if max_vocab_size < 3 + begin + end + len(specials):
            raise ValueError(
                f"max_vocab_size is {max_vocab_size}; special tokens need at least {3 + begin + end + len(specials)}"
            )
        if min_frequency < 1:
            raise ValueError(f"min_frequency is {min_frequency}; it must be at least 1")
        self.max_vocab_size, self.min_frequency = max_vocab_size, min_frequency
        self.fixed, self.specials = fixed_tokens(begin, end), list(specials)
        self._tokenizer = tokenizer
        added = [(token, self.fixed.index(token)) for token in (BEGIN, END) if token in self.fixed]
        if added:
            single = [*[BEGIN] * begin, "$A", *[END] * end]
            tokenizer.post_processor = processors.TemplateProcessing(single=single, special_tokens=added)

    def trainer(self, vocab_size: int) -> Any:
        """Trainer of the library for a vocabulary of this size."""
        raise NotImplementedError

    def train(self, texts: Iterable[str]) -> None:
        self.learn(texts, self.trainer(self.max_vocab_size - len(self.specials)))
        self._tokenizer.add_tokens([tokenizers.AddedToken(word, normalized=False) for word in self.specials])

    def learn(self, texts: Iterable[str], trainer: Any) -> None:
        self._tokenizer.train_from_iterator(texts, trainer)

    def encode(self, texts: list[str], max_tokens: int | None = None) -> list[list[int]]:
        # "[PAD]" in a text is a word, not the special token.
        self._tokenizer.encode_special_tokens = True
        if max_tokens is None:
            self._tokenizer.no_truncation()
        elif max_tokens > self._tokenizer.num_special_tokens_to_add(False):
            self._tokenizer.enable_truncation(max_tokens)
        else:
            raise DataError(f"data.max_tokens={max_tokens} leaves no room for text beside {BEGIN} and {END}")
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]

    def decode(self, tokens: list[int]) -> str:
        hidden = {self._tokenizer.token_to_id(token) for token in (PADDING, BEGIN, END)}
        return self._tokenizer.decode([token for token in tokens if token not in hidden], skip_special_tokens=False)
