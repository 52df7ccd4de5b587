from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from ..classes import Labels
from ..files import FileIndex, expand_inputs
from .lines import read_text
from .text_data import TextData


class TextFolders(TextData):
    """The user's own texts, one in each txt file, laid out as `FileIndex` says: `train/pos/1.txt` and so on.

    Args:
        root: the folder.
        label, test, test_fraction, manifest, only: see `FileIndex`.
        classes, label_separator: see `Labels`.
        **text: arguments of `TextData`.
    """

    paths: ClassVar[tuple[str, ...]] = ("root/", "root/manifest", "vectors")

    def __init__(
        self,
        root: str,
        label: str | None = None,
        test: str | None = None,
        test_fraction: float = 0.2,
        manifest: str | None = None,
        only: str | None = None,
        classes: Sequence[str] | None = None,
        label_separator: str | None = None,
        **text,
    ) -> None:
        super().__init__(**text)
        self.labels = Labels(classes, label_separator)
        self.index = FileIndex(root, {".txt"}, label, test, test_fraction, manifest, only, self.labels)

    def load_texts(self, split: Literal["train", "test"]) -> tuple[list[str], list[str]]:
        files = self.index.split(split)
        return [read_text(file.path, self.encoding) for file in files], [file.label for file in files]

    def load_labels(self, split: Literal["train", "test"]) -> list[str]:
        return [file.label for file in self.index.split(split)]

    def read_texts(self, inputs: list[Path]) -> Iterator[tuple[str, str]]:
        """Each .txt file is one text, as in training."""
        for path in expand_inputs(inputs, {".txt"}):
            yield str(path), read_text(path, self.encoding)
