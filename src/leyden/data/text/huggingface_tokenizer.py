import os
from collections.abc import Iterable, Sequence
from typing import Any

import tokenizers
from tokenizers import processors

from ..core.error import DataError
from .tokenizer import BEGIN, END, PADDING, fixed_tokens
from .trained_tokenizer import TrainedTokenizer

# Set at all, it spares a warning at every fork; workers that read batches ahead only copy ids and need no tokenizer.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")


class HuggingFaceTokenizer(TrainedTokenizer):
    """Base of all tokenizers that are made of the `tokenizers` library. A new one implements `trainer`.

    Args:
        tokenizer: the library's, untrained.
        max_vocab_size: tokens to keep at most, with [PAD], [UNK] and the like.
        min_frequency: how often the training texts must hold a token for it to be kept.
        begin: put [BOS] before every text.
        end: put [EOS] after every text.
        specials: words that are kept whole, as they are written, and are always in the vocabulary.
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
                f"max_vocab_size is {max_vocab_size}; it must leave room beside [PAD], [UNK] and the like: "
                f"at least {3 + begin + end + len(specials)}"
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
        """The library's trainer, for a vocabulary of that size."""
        raise NotImplementedError

    def train(self, texts: Iterable[str]) -> None:
        self.learn(texts, self.trainer(self.max_vocab_size - len(self.specials)))
        self._tokenizer.add_tokens([tokenizers.AddedToken(word, normalized=False) for word in self.specials])

    def learn(self, texts: Iterable[str], trainer: Any) -> None:
        self._tokenizer.train_from_iterator(texts, trainer)

    def encode(self, texts: list[str], max_tokens: int | None = None) -> list[list[int]]:
        # A text may well say "[PAD]"; it means the word, not the token.
        self._tokenizer.encode_special_tokens = True
        if max_tokens is None:
            self._tokenizer.no_truncation()
        elif max_tokens > (bounds := self._tokenizer.num_special_tokens_to_add(False)):
            self._tokenizer.enable_truncation(max_tokens)
        else:
            raise DataError(f"data.max_tokens={max_tokens} leaves no room beside {BEGIN} and {END}: {bounds} tokens")
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]

    def decode(self, tokens: list[int]) -> str:
        hidden = {self._tokenizer.token_to_id(token) for token in (PADDING, BEGIN, END)}
        return self._tokenizer.decode([token for token in tokens if token not in hidden], skip_special_tokens=False)
