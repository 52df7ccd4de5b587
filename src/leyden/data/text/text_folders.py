from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from ..core.split_names import Split
from ..files.files import expand_inputs
from ..files.indexed_files import IndexedFiles
from ..files.lines import read_text
from .text_data import TextData


class TextFolders(IndexedFiles, TextData):
    """Your own texts, one per .txt file, in a layout that `FileIndex` reads, such as `train/pos/1.txt`.

    Args:
        **files: arguments of `IndexedFiles` and `TextData`; `encoding` is that of the texts and the manifest.
    """

    paths: ClassVar[tuple[str, ...]] = (*IndexedFiles.paths, "vectors")
    suffixes: ClassVar[set[str]] = {".txt"}

    def load_texts(self, split: Split) -> tuple[list[str], list[str]]:
        return [read_text(path, self.encoding) for path in self.sources(split)], self.load_labels(split)

    def load_labels(self, split: Split) -> list[str]:
        return self.labels_of(split)

    def read_texts(self, inputs: list[Path]) -> Iterator[tuple[str, str]]:
        """Each .txt file is one text, as in training."""
        for path in expand_inputs(inputs, {".txt"}):
            yield str(path), read_text(path, self.encoding)
