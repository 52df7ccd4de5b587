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
    """torchtext's tokenizers, vocabulary and transforms. torchtext needs an environment of its own.

    Args:
        kind: `basic_english`, words in lower case and punctuation; or `sentencepiece`, parts of words that a unigram
            model learns from the training texts (Kudo and Richardson, 2018, https://arxiv.org/abs/1808.06226).
        max_vocab_size: tokens to keep at most, with [PAD], [UNK] and the like.
        min_frequency: how often the training texts must hold a token for it to be kept.
        begin: put [BOS] before every text.
        end: put [EOS] after every text.
        specials: words that are kept whole, as they are written, and are always in the vocabulary.
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
                f"torchtext 0.18 loads with torch 2.3 only, got torch {installed_version('torch')}: choose WordTokenizer or "
                "SubwordTokenizer, or use the environment torchtext (text_stack=torchtext when a project is generated)"
            )
        if max_vocab_size < 3 + begin + end + len(specials):
            raise ValueError(
                f"max_vocab_size is {max_vocab_size}; it must leave room beside [PAD], [UNK] and the like: "
                f"at least {3 + begin + end + len(specials)}"
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
            raise DataError(f"data.max_tokens={max_tokens} leaves no room beside {BEGIN} and {END}")
        transform = Sequential(
            VocabTransform(self._vocab),
            *[Truncate(room)] * (room is not None),
            *[AddToken(self._vocab[BEGIN], begin=True)] * self.begin,
            *[AddToken(self._vocab[END], begin=False)] * self.end,
        )
        # The transforms cannot tell the type of an empty list.
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
        known = self.vocabulary
        shown = [known[token] for token in tokens if known[token] not in (PADDING, BEGIN, END)]
        if self.kind == "sentencepiece":
            return "".join(shown).replace("\u2581", " ").strip()  # its character for a space
        return " ".join(shown)

    def save(self, folder: Path) -> None:
        about = {"kind": self.kind, "begin": self.begin, "end": self.end, "specials": self.specials}
        text = json.dumps(about | {"vocabulary": self.vocabulary}, ensure_ascii=False, indent=1)
        (folder / "tokenizer.json").write_text(text, encoding="utf-8")
        if self._sentencepiece:
            self._sentencepiece.save(folder)

    def load(self, folder: Path) -> None:
        from torchtext.vocab import vocab

        about = json.loads(tokenizer_file(folder).read_text(encoding="utf-8"))
        self.kind, self.begin, self.end = about["kind"], about["begin"], about["end"]
        self.specials = about["specials"]
        if self.kind == "sentencepiece":
            self._sentencepiece = SentencePiece.load(folder)
        self._vocab = vocab(OrderedDict.fromkeys(about["vocabulary"], 1))
        self._vocab.set_default_index(self.unknown)
