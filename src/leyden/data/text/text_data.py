import logging
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

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

TEXTS_PER_CALL = 4096


class TextData(TokenizedData):
    """Base class of labelled texts: padded token ids (batch, token), int32; on the device, int64.

    The tokenizer is trained on the training samples only. A new dataset implements `load_texts`.

    Args:
        tokenizer: by default `WordTokenizer()`.
        max_tokens: maximum length of a sample.
        too_long: `truncate` longer texts, with one warning, or `raise` an error.
        word_dropout: probability of replacing a token by the unknown token in training.
        encoding: encoding of your files.
        vectors: file of pretrained word vectors for the network, see `word_vectors`.
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
            raise ValueError(f"vectors is {vectors}; it is not supported with data.stream")
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
        """Pretrained word vectors, for training only; a trained run has them in its checkpoint."""
        return self._word_vectors

    def load_texts(self, split: Split) -> tuple[list[str], list[str]]:
        """Texts and labels of an official split."""
        raise NotImplementedError

    def load_labels(self, split: Split) -> list[str]:
        """Labels of an official split; override it if they can be read without the texts."""
        return self.load_texts(split)[1]

    def groups_of(self, split: Split) -> list[str] | None:
        """Group of each text, which splits keep together; None if there are no groups."""

    def load(self, split: Split) -> RaggedSamples:
        texts, labels = self.load_texts(split)
        if split == "train":
            others = [label for name in self.official_splits() if name != "train" for label in self.load_labels(name)]
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
        """Encode texts as token ids (token,), from 1 to `max_tokens` per sample.

        In parts: encodings of the tokenizers library take a hundred times the memory of their ids.
        """
        starts = range(0, len(texts), TEXTS_PER_CALL)
        parts = [self._encode(texts[start : start + TEXTS_PER_CALL]) for start in starts]
        if num_truncated := sum(num_truncated for _, num_truncated in parts):
            message = "%d of %d texts are truncated to data.max_tokens=%d tokens"
            log.warning(message, num_truncated, len(texts), self.max_tokens)
        return Packed.joined([samples for samples, _ in parts])

    def _encode(self, texts: list[str]) -> tuple[Packed, int]:
        """The samples, and how many of them are truncated."""
        samples = self.tokenizer.encode(texts)
        if long := [index for index, tokens in enumerate(samples) if len(tokens) > self.max_tokens]:
            if self.too_long == "raise":
                raise DataError(
                    f"the text {textwrap.shorten(texts[long[0]], 60)!r} has {len(samples[long[0]])} tokens: raise "
                    f"data.max_tokens={self.max_tokens}, or set data.too_long=truncate"
                )
            shorter = self.tokenizer.encode([texts[index] for index in long], self.max_tokens)
            for index, tokens in zip(long, shorter, strict=True):
                samples[index] = tokens
        # An empty text becomes one unknown token: samples must not be empty.
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
        """Names and texts of your files, in the format of the training files: here, the non-empty lines of .txt files."""
        for path in expand_inputs(inputs, {".txt"}):
            yield from self._lines(path)

    def _lines(self, path: Path) -> Iterator[tuple[str, str]]:
        for number, line in read_lines(path, self.encoding):
            yield f"{path}:{number}", line.strip()

    def batch_transform(self, stage: Stage) -> nn.Module:
        return TokenTransform(self.tokenizer.unknown, self.word_dropout if stage == "train" else 0.0)

    def draw_prediction(self, axes: "Axes", inputs: Tensor, target: Tensor, prediction: Tensor) -> None:
        """A row of a table: the text and the predicted classes, in red with the true ones if they are wrong."""
        caption, is_right = self.labels.caption(target, prediction, self.class_names)
        text, place = self.tokenizer.decode(inputs.tolist()), {"va": "center", "fontsize": 8, "parse_math": False}
        colour = "black" if is_right else "red"
        axes.text(0.0, 0.5, textwrap.fill(caption, 30, max_lines=3, placeholder=" ..."), color=colour, **place)
        axes.text(0.25, 0.5, textwrap.fill(text, 110, max_lines=3, placeholder=" ..."), **place)

    def describe_prediction(self, inputs: Tensor, target: Any, prediction: Any) -> dict[str, Any]:
        return {"text": self.tokenizer.decode(inputs.tolist())} | super().describe_prediction(
            inputs, target, prediction
        )

    def draw(self, axes: "Axes", inputs: Tensor) -> None:
        text = textwrap.fill(textwrap.shorten(self.tokenizer.decode(inputs.tolist()), 240), 32)
        axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=7, parse_math=False, transform=axes.transAxes)


class TokenTransform(nn.Module):
    """Convert int32 (batch, token) to int64, with word dropout in training."""

    def __init__(self, unknown: int, word_dropout: float) -> None:
        super().__init__()
        self.unknown, self.word_dropout = unknown, word_dropout

    def forward(self, batch: Batch) -> Batch:
        tokens = batch.inputs.long()
        if self.word_dropout:
            dropped = streams(len(tokens), tokens.shape[1]) < self.word_dropout
            tokens = tokens.masked_fill(dropped.to(tokens.device), self.unknown)
        return batch._replace(inputs=tokens)
