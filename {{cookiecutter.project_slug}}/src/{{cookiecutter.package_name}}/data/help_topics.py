from pydoc_data.topics import topics
from typing import Any

import torch
from leyden import Batch
from leyden.data import RaggedSamples, Samples, Split, Stage
from leyden.data.text import CharacterTokenizer, TextData
from matplotlib.axes import Axes
from torch import Tensor, nn

SPLITS: dict[str, Split] = {"debugger": "validation", "string-methods": "test", "typesseq": "test"}  # others: train


class HelpTopics(TextData):
    """Lines of Python's help topics, without their spaces: where do words begin?

    About 5,600 lines of at least 20 characters, more or fewer in other versions of Python than 3.11. There is no
    official split: each topic is in one, and a line that several topics have is in the split of the last.

    Source: The Python Language Reference, https://docs.python.org/3/reference/.

    Args:
        **text: arguments of `TextData`; the tokens are characters.
    """

    is_embedded = True  # needs no download
    provides = ("vocab_size",)  # a network may take these as arguments

    def __init__(self, **text: Any) -> None:
        super().__init__(tokenizer=CharacterTokenizer(), **text)

    def official_splits(self) -> tuple[Split, ...]:
        return "train", "validation", "test"

    def load(self, split: Split) -> RaggedSamples:
        """Lines with their spaces, int32 (token) each; `batch_transform` makes inputs and targets of them."""
        topic_of = {" ".join(line.split()): topic for topic, text in topics.items() for line in text.splitlines()}
        lines = [line for line in topic_of if len(line) >= 20 and SPLITS.get(topic_of[line], "train") == split]
        if split == "train" and not self.vocab_size:
            self.tokenizer.train(lines)
        return RaggedSamples(self.encode(lines), torch.zeros(len(lines)), self.tokenizer.padding)

    def batch_transform(self, stage: Stage) -> nn.Module:
        return RemoveSpaces(space=self.tokenizer.encode([" "])[0][0])

    def records(self, samples: Samples, index: int, prediction: Tensor) -> list[dict[str, Any]]:
        """What `leyden predict` writes of one line."""
        tokens, _ = self.batch_transform("predict")(samples[index]).sample(0)
        return [{"text": self.line(tokens, prediction)}]

    def draw_prediction(self, axes: Axes, inputs: Tensor, target: Tensor, prediction: Tensor) -> None:
        lines = [self.line(inputs, is_start) for is_start in (prediction, target[: len(inputs)])]
        axes.text(0, 0.5, "\n".join(lines), va="center", family="monospace", fontsize=8, parse_math=False)

    def line(self, tokens: Tensor, is_start: Tensor) -> str:
        """Tokens, and the probability that a word begins at each, both (token) -> a text with spaces."""
        characters = zip(self.tokenizer.decode(tokens.tolist()), is_start.tolist(), strict=True)
        return "".join(f" {character}" if start > 0.5 else character for character, start in characters)


class RemoveSpaces(nn.Module):
    """Tokens (batch, token) -> those other than spaces; targets: 1 where a space was before one (batch, token)."""

    def __init__(self, space: int) -> None:
        super().__init__()
        self.space = space

    def forward(self, batch: Any) -> Batch:
        is_space = batch.inputs == self.space
        order = is_space.long().argsort(dim=1, stable=True)  # all spaces go to the end
        is_start = is_space.roll(1, dims=1).gather(1, order).float()
        return Batch(batch.inputs.long().gather(1, order), is_start, batch.lengths - is_space.sum(dim=1))
