import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ..core.batch import Batch
from ..core.datamodule import Stage
from ..core.error import DataError
from ..core.samples import RaggedSamples, Samples
from ..core.split_names import SPLITS, Split
from ..files.files import expand_inputs
from ..files.lines import read_lines, read_text
from ..storage.decode import decode_all
from ..storage.fingerprint import decoder, texts_hash, tokenizer_state
from .byte_pair_tokenizer import BytePairTokenizer
from .lossless_tokenizer import LosslessTokenizer
from .tokenized_data import TokenizedData
from .windows import IGNORE_INDEX, ShiftedBatches, Windows

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class CorpusData(TokenizedData):
    """Base class of texts for language modelling: windows (batch, max_tokens) of one stream of tokens, without padding.

    The documents of a split are concatenated, with the end-of-text token before each. A training epoch passes once over
    the stream, in windows whose offset changes every epoch. An evaluation predicts every token exactly once; its context
    is the part of the window before it. A new dataset implements `load_documents`.

    Args:
        tokenizer: trained on the training documents; by default `BytePairTokenizer()`.
        max_tokens: length of a window.
        encoding: encoding of your files.
        fold, num_folds: not supported.
        **loading: arguments of `DataModule`.
    """

    provides: ClassVar[tuple[str, ...]] = ("vocab_size", "max_tokens", "token_bytes")
    decoding: ClassVar[tuple[str, ...]] = ()  # samples depend only on the texts and the tokenizer
    suffixes: tuple[str, ...] = (".txt",)  # of files that hold one text each

    def __init__(
        self,
        tokenizer: LosslessTokenizer | None = None,
        max_tokens: int = 256,
        encoding: str = "utf-8",
        fold: int | None = None,
        num_folds: int | None = None,
        **loading,
    ) -> None:
        if max_tokens < 1:
            raise ValueError(f"max_tokens is {max_tokens}; it must be at least 1")
        if fold is not None or num_folds is not None:
            raise ValueError(f"num_folds is {num_folds}; folds are not supported for continuous text")
        super().__init__(**loading)
        self.tokenizer: LosslessTokenizer = tokenizer or BytePairTokenizer()
        if not hasattr(self.tokenizer, "token_bytes"):
            name = type(self.tokenizer).__name__
            raise ValueError(f"tokenizer is a {name}, which is not lossless: use BytePairTokenizer")
        self.max_tokens, self.encoding = max_tokens, encoding

    @property
    def token_dtype(self) -> type[np.integer]:
        return np.uint16 if self.vocab_size <= 2**16 else np.int32

    @property
    def token_bytes(self) -> np.ndarray:
        """See `LosslessTokenizer`; an object array, since Hydra copies lists item by item, 50,000 in a minute."""
        return np.array(self.tokenizer.token_bytes, dtype=object)

    def state(self) -> dict[str, Any]:
        return {}  # the tokenizer is saved in its own file

    def load_documents(self, split: Split) -> list[str]:
        """Texts of a split; no text may be in two splits."""
        raise NotImplementedError

    def official_splits(self) -> tuple[Split, ...]:
        return SPLITS

    def setup(self, stage: str) -> None:
        splits: dict[str, tuple[Split, ...]] = {
            "fit": ("train", "validation"),
            "validate": ("validation",),
            "test": ("test",),
        }
        for split in splits.get(stage, ()):
            if split not in self.samples:
                documents = self.load_documents(split)
                if split == "train" and not self.vocab_size:
                    self.tokenizer.train(documents)
                self.samples[split] = self.windows(documents, split)
                if split == "validation" and "train" in self.samples:
                    self._report(len(self.samples["train"]), {})

    def windows(self, documents: list[str], split: Split) -> Windows:
        stream = self.cached_stream(documents, split)
        needed = 2 * self.max_tokens if split == "train" else 2
        if len(stream) < needed:
            raise DataError(
                f"the {split} split has {len(stream)} tokens, expected at least {needed}: add text, or lower "
                f"data.max_tokens={self.max_tokens}"
            )
        return Windows(stream, self.max_tokens, split == "train", self.tokenizer.padding)

    def stream(self, documents: list[str], split: str) -> np.ndarray:
        """Concatenated token ids of all documents (token,), uint16 where the ids fit, else int32.

        Raises:
            DataError: a text has a character that is unknown to the tokenizer.
        """
        parts = list(self.stream_parts(documents, split))
        return np.concatenate(parts) if parts else np.empty(0, dtype=self.token_dtype)

    def cached_stream(self, documents: list[str], split: str) -> np.ndarray:
        """Like `stream`, but encoded once and memory-mapped if there is a cache."""
        made_of = decoder(self) if self.storage.cache else None
        if made_of is None or not documents:
            return self.stream(documents, split)
        made_of |= {"texts": texts_hash(documents), "tokenizer": tokenizer_state(self.tokenizer)}
        num_bytes = sum(map(len, documents)) * np.dtype(self.token_dtype).itemsize
        build = partial(self.stream_parts, documents, split)
        stored = self.storage.keep(self.storage.entry(made_of), build, True, num_bytes)
        return np.asarray(stored.samples) if stored else self.stream(documents, split)

    def stream_parts(self, documents: list[str], split: str) -> Iterator[np.ndarray]:
        """Token ids of each document, see `stream`."""

        def encode(document: str) -> np.ndarray:
            (tokens,) = self.tokenizer.encode([document])
            if unknown != end and unknown in tokens:
                prefix = self.tokenizer.decode(tokens[: tokens.index(unknown)])
                raise DataError(
                    f"the {split} text has the character {document[len(prefix) :][:1]!r}, which is not in the training "
                    "text: use BytePairTokenizer, which can encode every text"
                )
            return np.array([end, *tokens], dtype=self.token_dtype)

        end, unknown = self.tokenizer.padding, self.tokenizer.unknown
        return decode_all(documents, encode, in_processes=False)  # tokenizers have their own threads

    def _batches(self, stage: Stage) -> Any:
        batches = super()._batches(stage)
        return ShiftedBatches(batches, self.max_tokens) if stage == "train" else batches

    def join_targets(self, samples: list[list[Tensor]]) -> Any:
        raise DataError(
            "a language modelling corpus cannot be streamed: it is memory-mapped from data.cache and need not fit into memory"
        )

    def read(self, inputs: list[Path]) -> tuple[RaggedSamples, list[str]]:
        """Prompts (token,): each non-empty line of a .txt file, or the whole text of another file."""
        prompts: dict[str, str] = {}
        for path in expand_inputs(inputs, {".txt", *self.suffixes}):
            if path.suffix.lower() == ".txt":
                prompts |= {f"{path}:{number}": line for number, line in read_lines(path, self.encoding)}
            elif text := read_text(path, self.encoding):
                prompts[str(path)] = text
        if not prompts:
            raise DataError(f"no text in {', '.join(map(str, inputs))}")
        samples = [torch.from_numpy(self.stream([text], name)[1:].astype(np.int32)) for name, text in prompts.items()]
        return RaggedSamples(samples, torch.zeros(len(samples), dtype=torch.int64), self.tokenizer.padding), list(
            prompts
        )

    def records(self, samples: Samples, index: int, prediction: Any) -> list[dict[str, Any]]:
        """The prompt and the generated continuation."""
        prompt, _ = samples[index].sample(0)
        return [
            {
                "prompt": self.tokenizer.decode(prompt.tolist()),
                "continuation": self.tokenizer.decode(prediction.tolist()),
            }
        ]

    def batch_transform(self, stage: Stage) -> nn.Module:
        return IndexTransform()

    def draw_prediction(self, axes: "Axes", inputs: Tensor, target: Tensor, prediction: Tensor) -> None:
        """The beginning of a window, titled with the mean loss of its tokens (token,)."""
        self.draw(axes, target[target != IGNORE_INDEX])
        axes.set_title(f"{prediction[target != IGNORE_INDEX].mean():.2f} nats a token", fontsize=9)

    def source_of(self, stage: str, index: int) -> None:
        """None: a window may span several files."""

    def describe_prediction(self, inputs: Tensor, target: Any, prediction: Any) -> dict[str, Any]:
        return {"text": self.tokenizer.decode(target[target != IGNORE_INDEX].tolist())}

    def draw(self, axes: "Axes", inputs: Tensor) -> None:
        lines = self.tokenizer.decode(inputs.tolist()).expandtabs(4).splitlines()
        wrapped = [part for line in lines for part in textwrap.wrap(line, 36, drop_whitespace=False) or [""]]
        place = {"ha": "left", "va": "top", "transform": axes.transAxes}
        axes.text(0.0, 1.0, "\n".join(wrapped[:16]), fontsize=7, family="monospace", parse_math=False, **place)


class IndexTransform(nn.Module):
    """Convert token ids from int32 to int64, as embeddings and losses require."""

    def forward(self, batch: Batch) -> Batch:
        return batch._replace(inputs=batch.inputs.long(), targets=batch.targets.long())
