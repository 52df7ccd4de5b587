import json
from collections.abc import Iterable
from typing import Any, Literal

import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers

from .huggingface_tokenizer import HuggingFaceTokenizer
from .tokenizer import UNKNOWN


class SubwordTokenizer(HuggingFaceTokenizer):
    """Subwords learnt from the training texts, by the `tokenizers` library.

    An unseen word is split into known parts; only unseen characters are unknown.

    Sources: Sennrich et al., Neural Machine Translation of Rare Words with Subword Units, 2016 (`bpe`),
    https://arxiv.org/abs/1508.07909; Schuster and Nakajima, Japanese and Korean Voice Search, 2012 (`wordpiece`);
    Kudo, Subword Regularization, 2018 (`unigram`), https://arxiv.org/abs/1804.10959.

    Args:
        kind: algorithm.
        lowercase: convert texts to lower case.
        max_vocab_size: maximum number of tokens, including special tokens.
        min_frequency: minimum frequency of a pair in the training texts to be merged; not used by `unigram`, which
            selects by likelihood.
        **vocabulary: further arguments of `HuggingFaceTokenizer`.
    """

    def __init__(
        self,
        kind: Literal["bpe", "wordpiece", "unigram"] = "bpe",
        lowercase: bool = True,
        max_vocab_size: int = 8_000,
        min_frequency: int = 1,
        **vocabulary,
    ) -> None:
        if kind == "unigram" and min_frequency > 1:
            raise ValueError(f"min_frequency is {min_frequency}; kind=unigram does not use it: leave it at 1")
        self.kind = kind
        tokenizer = tokenizers.Tokenizer(_model(kind))
        steps = [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
        tokenizer.normalizer = normalizers.Sequence([*steps, *[normalizers.Lowercase()] * lowercase])
        if kind == "wordpiece":
            tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Whitespace(), decoders.WordPiece(cleanup=False)
        else:
            tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
        super().__init__(tokenizer=tokenizer, max_vocab_size=max_vocab_size, min_frequency=min_frequency, **vocabulary)

    def trainer(self, vocab_size: int) -> trainers.Trainer:
        settings: dict[str, Any] = {"vocab_size": vocab_size, "special_tokens": self.fixed, "show_progress": False}
        if self.kind == "unigram":
            return trainers.UnigramTrainer(unk_token=UNKNOWN, **settings)
        settings["min_frequency"] = self.min_frequency
        return trainers.BpeTrainer(**settings) if self.kind == "bpe" else trainers.WordPieceTrainer(**settings)

    def learn(self, texts: Iterable[str], trainer: Any) -> None:
        # Two of the library's trainers break ties at random; make the ids reproducible.
        if self.kind == "wordpiece":
            texts = list(texts)
            trainer.special_tokens = [*self.fixed, *sorted(self._inner_characters(texts))]
            scratch = tokenizers.Tokenizer.from_str(self._tokenizer.to_str())
            scratch.train_from_iterator(texts, trainer)
            self._tokenizer.model = models.WordPiece(_learnt(scratch), unk_token=UNKNOWN)
            self._tokenizer.add_special_tokens(self.fixed)
        else:
            super().learn(texts, trainer)
        if self.kind == "unigram":
            pieces = _in_order(_learnt(self._tokenizer), len(self.fixed))
            self._tokenizer.model = models.Unigram(pieces, self.unknown)

    def _inner_characters(self, texts: list[str]) -> set[str]:
        """Single-character tokens that do not start a word."""
        words = {word for text in texts for word in self._tokenizer.normalizer.normalize_str(text).split()}
        parts = (part for word in words for part, _ in self._tokenizer.pre_tokenizer.pre_tokenize_str(word))
        return {f"##{character}" for part in parts for character in part[1:]}


def _model(kind: str) -> models.Model:
    if kind == "bpe":
        return models.BPE(unk_token=UNKNOWN)
    return models.WordPiece(unk_token=UNKNOWN) if kind == "wordpiece" else models.Unigram([], None)


def _learnt(tokenizer: tokenizers.Tokenizer) -> Any:
    """Vocabulary of the model, in the library's JSON format."""
    return json.loads(tokenizer.to_str())["model"]["vocab"]


def _in_order(pieces: list[tuple[str, float]], num_fixed: int) -> list[tuple[str, float]]:
    """Sort pieces by descending log-likelihood, then alphabetically.

    The last digits of the scores differ between trainings. Characters in no likely piece get the lowest score, plus a
    small increment for each, in random order.
    """
    fixed, learnt = [(piece, score) for piece, score in pieces[:num_fixed]], pieces[num_fixed:]
    lowest = min((score for _, score in learnt), default=0.0)
    rare = lowest + 1e-4 * len(learnt)
    scored = [(piece, lowest if len(piece) == 1 and score <= rare else round(score, 4)) for piece, score in learnt]
    return [*fixed, *sorted(scored, key=lambda scored_piece: (-scored_piece[1], scored_piece[0]))]
