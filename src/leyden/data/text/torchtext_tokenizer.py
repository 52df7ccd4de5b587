import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...io import installed_version
from ..core.error import DataError
from .sentencepiece import SentencePiece
from .tokenizer import BEGIN, END, PADDING, fixed_tokens, tokenizer_file

if TYPE_CHECKING:
    from torchtext.vocab import Vocab


class TorchtextTokenizer:
    """torchtext's tokenizers, vocabulary and transforms, which need a separate environment.

    Args:
        kind: `basic_english`, lower-case words and punctuation; or `sentencepiece`, a unigram model of subwords learnt
            from the training texts (Kudo and Richardson, 2018, https://arxiv.org/abs/1808.06226).
        max_vocab_size: maximum number of tokens, including special tokens.
        min_frequency: minimum frequency of a token in the training texts.
        begin: prepend [BOS] to every text.
        end: append [EOS] to every text.
        specials: words that are never split or normalized and are always in the vocabulary.
    """

    padding, unknown = 0, 1

    def __init__(
        self,
        kind: Literal["basic_english", "sentencepiece"] = "basic_english",
        max_vocab_size: int = 30_000,
        min_frequency: int = 1,
        begin: bool = False,
        end: bool = False,
        specials: Sequence[str] = (),
    ) -> None:
        if not installed_version("torchtext") or not installed_version("torch").startswith("2.3."):
            raise DataError(
                f"torchtext 0.18 requires torch 2.3, got torch {installed_version('torch')}: use WordTokenizer or "
                "SubwordTokenizer, or the environment torchtext (text_stack=torchtext when generating a project)"
            )
        if max_vocab_size < 3 + begin + end + len(specials):
            raise ValueError(
                f"max_vocab_size is {max_vocab_size}; special tokens need at least {3 + begin + end + len(specials)}"
            )
        if min_frequency < 1:
            raise ValueError(f"min_frequency is {min_frequency}; it must be at least 1")
        import torchtext

        torchtext.disable_torchtext_deprecation_warning()
        self.kind, self.max_vocab_size, self.min_frequency = kind, max_vocab_size, min_frequency
        self.begin, self.end, self.specials = begin, end, list(specials)
        self._vocab: Vocab | None = None
        self._sentencepiece: SentencePiece | None = None

    @property
    def vocab_size(self) -> int:
        return len(self._vocab) if self._vocab else 0

    @property
    def vocabulary(self) -> list[str]:
        return self._vocab.get_itos() if self._vocab else []

    def train(self, texts: Iterable[str]) -> None:
        from torchtext.vocab import build_vocab_from_iterator

        texts = list(texts)
        if self.kind == "sentencepiece":
            self._sentencepiece = SentencePiece.train(texts, self.max_vocab_size)
        self._vocab = build_vocab_from_iterator(
            map(self._split, texts),
            min_freq=self.min_frequency,
            specials=[*fixed_tokens(self.begin, self.end), *self.specials],
            max_tokens=self.max_vocab_size,
        )
        self._vocab.set_default_index(self.unknown)

    def encode(self, texts: list[str], max_tokens: int | None = None) -> list[list[int]]:
        from torchtext.transforms import AddToken, Sequential, Truncate, VocabTransform

        assert self._vocab
        room = None if max_tokens is None else max_tokens - self.begin - self.end
        if room is not None and room < 1:
            raise DataError(f"data.max_tokens={max_tokens} leaves no room for text beside {BEGIN} and {END}")
        transform = Sequential(
            VocabTransform(self._vocab),
            *[Truncate(room)] * (room is not None),
            *[AddToken(self._vocab[BEGIN], begin=True)] * self.begin,
            *[AddToken(self._vocab[END], begin=False)] * self.end,
        )
        # torchtext's transforms cannot infer the type of an empty list.
        empty = [*[self._vocab[BEGIN]] * self.begin, *[self._vocab[END]] * self.end]
        return [transform(tokens) if tokens else list(empty) for tokens in map(self._split, texts)]

    def _split(self, text: str) -> list[str]:
        from torchtext.data.utils import get_tokenizer

        split = self._sentencepiece.split if self._sentencepiece else get_tokenizer(self.kind)
        if not self.specials:
            return split(text)
        parts = re.split(f"({'|'.join(map(re.escape, self.specials))})", text)
        return [token for part in parts for token in ([part] if part in self.specials else split(part))]

    def decode(self, tokens: list[int]) -> str:
        vocabulary = self.vocabulary
        shown = [vocabulary[token] for token in tokens if vocabulary[token] not in (PADDING, BEGIN, END)]
        if self.kind == "sentencepiece":
            return "".join(shown).replace("\u2581", " ").strip()  # SentencePiece's word boundary
        return " ".join(shown)

    def save(self, folder: Path) -> None:
        state = {"kind": self.kind, "begin": self.begin, "end": self.end, "specials": self.specials}
        text = json.dumps(state | {"vocabulary": self.vocabulary}, ensure_ascii=False, indent=1)
        (folder / "tokenizer.json").write_text(text, encoding="utf-8")
        if self._sentencepiece:
            self._sentencepiece.save(folder)

    def load(self, folder: Path) -> None:
        from torchtext.vocab import vocab

        state = json.loads(tokenizer_file(folder).read_text(encoding="utf-8"))
        self.kind, self.begin, self.end = state["kind"], state["begin"], state["end"]
        self.specials = state["specials"]
        if self.kind == "sentencepiece":
            self._sentencepiece = SentencePiece.load(folder)
        self._vocab = vocab(OrderedDict.fromkeys(state["vocabulary"], 1))
        self._vocab.set_default_index(self.unknown)
