import logging
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor, nn

from ..core.batch import Batch
from ..core.datamodule import DataModule, Stage
from ..core.error import DataError
from ..core.groups import group_ids
from ..core.randomness import streams
from ..core.samples import RaggedSamples, Samples
from ..core.split_names import Split
from ..files.files import expand_inputs
from ..files.lines import read_lines
from ..storage.packed import Packed
from .tokenized_data import TokenizedData
from .tokenizer import Tokenizer
from .word_tokenizer import WordTokenizer
from .word_vectors import word_vectors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

log = logging.getLogger(__name__)

TEXTS = 4096  # that are encoded at a time


class TextData(TokenizedData):
    """Base of all text data: token ids [batch, token], padded, int32 until the device, int64 after it.

    The vocabulary is learnt from the training samples alone: validation and test samples are as new to it as user
    texts. A new dataset implements `load_texts`.

    Args:
        tokenizer: `WordTokenizer()` where none is given.
        max_tokens: the longest sample, in tokens.
        too_long: what happens to longer ones: `truncate`, with one warning, or `raise`.
        word_dropout: probability that a token of a training batch is replaced by the unknown one.
        encoding: of the user's files.
        vectors: file of word vectors that a network may start from, see `word_vectors`.
        **loading: arguments of `DataModule`.
    """

    provides: ClassVar[tuple[str, ...]] = (*DataModule.provides, "vocab_size", "max_tokens", "word_vectors")
    drawn_size: ClassVar[tuple[float, float]] = (10.0, 0.5)

    def __init__(
        self,
        tokenizer: Tokenizer | None = None,
        max_tokens: int = 256,
        too_long: Literal["truncate", "raise"] = "truncate",
        word_dropout: float = 0.0,
        encoding: str = "utf-8",
        vectors: str | None = None,
        **loading,
    ) -> None:
        if max_tokens < 1:
            raise ValueError(f"max_tokens is {max_tokens}; it must be at least 1")
        if not 0 <= word_dropout < 1:
            raise ValueError(f"word_dropout is {word_dropout}; expected a probability below 1")
        if vectors and loading.get("stream"):
            raise ValueError(f"vectors is {vectors}; with samples from data.stream a network cannot start from them")
        super().__init__(**loading)
        self.tokenizer: Tokenizer = tokenizer or WordTokenizer()
        self.max_tokens, self.too_long, self.word_dropout, self.encoding = (
            max_tokens,
            too_long,
            word_dropout,
            encoding,
        )
        self.vectors = Path(vectors).expanduser() if vectors else None
        self._word_vectors: Tensor | None = None

    @property
    def word_vectors(self) -> Tensor | None:
        """Of a run that trains, to start from; those of a trained run are in its checkpoint."""
        return self._word_vectors

    def load_texts(self, split: Split) -> tuple[list[str], list[str]]:
        """Texts and labels of all samples of an official split."""
        raise NotImplementedError

    def load_labels(self, split: Split) -> list[str]:
        """The labels alone; to be replaced where the texts need not be read for them."""
        return self.load_texts(split)[1]

    def groups_of(self, split: Split) -> list[str] | None:
        """The source of each text, which splits keep together; None where they are not told."""

    def load(self, split: Split) -> RaggedSamples:
        texts, labels = self.load_texts(split)
        if split == "train":
            others = [label for one in self.official_splits() if one != "train" for label in self.load_labels(one)]
            self.class_names = self.labels.class_names(labels, others)
        targets, names = self.labels.targets(labels, self.class_names, split), self.groups_of(split)
        groups = group_ids(names) if names else None
        if split == "train" and not self.vocab_size:
            self.tokenizer.train(texts[sample] for sample in self.split(Samples(targets).classes, groups)[0])
        if split == "train" and self.vectors:
            self._word_vectors = word_vectors(self.vectors, self.tokenizer.vocabulary)
        samples = RaggedSamples(self.encode(texts), targets, self.tokenizer.padding)
        samples.groups = groups
        return samples

    def encode(self, texts: list[str]) -> Packed:
        """Texts -> token ids [token], at least one, at most `max_tokens` a sample.

        Some texts at a time: what tokenizers say of each takes a hundred times the memory of its ids.
        """
        parts = [self._encode(texts[start : start + TEXTS]) for start in range(0, len(texts), TEXTS)]
        if num_cut := sum(num_cut for _, num_cut in parts):
            log.warning(
                "%d of %d texts are truncated to data.max_tokens=%d tokens", num_cut, len(texts), self.max_tokens
            )
        return Packed.joined([samples for samples, _ in parts])

    def _encode(self, texts: list[str]) -> tuple[Packed, int]:
        """The samples, and how many of them are cut."""
        samples = self.tokenizer.encode(texts)
        if long := [number for number, tokens in enumerate(samples) if len(tokens) > self.max_tokens]:
            if self.too_long == "raise":
                raise DataError(
                    f"the text {textwrap.shorten(texts[long[0]], 60)!r} has {len(samples[long[0]])} tokens: raise "
                    f"data.max_tokens={self.max_tokens}, or set data.too_long=truncate"
                )
            shorter = self.tokenizer.encode([texts[number] for number in long], self.max_tokens)
            for number, tokens in zip(long, shorter, strict=True):
                samples[number] = tokens
        # An empty text becomes one unknown token: no sample may be without any.
        tokens = [torch.tensor(ids or [self.tokenizer.unknown], dtype=torch.int32) for ids in samples]
        return Packed.of(tokens), len(long)

    def read(self, inputs: list[Path]) -> tuple[RaggedSamples, list[str]]:
        named = list(self.read_texts(inputs))
        if not named:
            raise DataError(f"no text in {', '.join(map(str, inputs))}")
        names, texts = map(list, zip(*named, strict=True))
        return RaggedSamples(
            self.encode(texts), torch.zeros(len(texts), dtype=torch.int64), self.tokenizer.padding
        ), names

    def read_texts(self, inputs: list[Path]) -> Iterator[tuple[str, str]]:
        """Names and texts of user files, in the units that training reads: here, each line of a .txt file that is not
        empty."""
        for path in expand_inputs(inputs, {".txt"}):
            yield from self._lines(path)

    def _lines(self, path: Path) -> Iterator[tuple[str, str]]:
        for number, line in read_lines(path, self.encoding):
            yield f"{path}:{number}", line.strip()

    def batch_transform(self, stage: Stage) -> nn.Module:
        return TokenTransform(self.tokenizer.unknown, self.word_dropout if stage == "train" else 0.0)

    def draw_prediction(self, axes: "Axes", inputs: Tensor, target: Tensor, prediction: Tensor) -> None:
        """A line of a table: the predicted classes, in red with the true ones where they are wrong, and the text."""
        caption, is_right = self.labels.caption(target, prediction, self.class_names)
        text, place = self.tokenizer.decode(inputs.tolist()), {"va": "center", "fontsize": 8, "parse_math": False}
        colour = "black" if is_right else "red"
        axes.text(0.0, 0.5, textwrap.fill(caption, 30, max_lines=3, placeholder=" ..."), color=colour, **place)
        axes.text(0.25, 0.5, textwrap.fill(text, 110, max_lines=3, placeholder=" ..."), **place)

    def draw(self, axes: "Axes", inputs: Tensor) -> None:
        text = textwrap.fill(textwrap.shorten(self.tokenizer.decode(inputs.tolist()), 240), 32)
        axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=7, parse_math=False, transform=axes.transAxes)


class TokenTransform(nn.Module):
    """int32 [batch, token] -> int64 of the same shape, some tokens unknown while training."""

    def __init__(self, unknown: int, word_dropout: float) -> None:
        super().__init__()
        self.unknown, self.word_dropout = unknown, word_dropout

    def forward(self, batch: Batch) -> Batch:
        tokens = batch.inputs.long()
        if self.word_dropout:
            dropped = streams(len(tokens), tokens.shape[1]) < self.word_dropout
            tokens = tokens.masked_fill(dropped.to(tokens.device), self.unknown)
        return batch._replace(inputs=tokens)
