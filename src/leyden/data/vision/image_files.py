from collections.abc import Sequence
from typing import Literal

from ..classes import Labels
from ..decode import decoded
from ..files import FileIndex
from ..rows import FileRows, Rows
from .image_data import SUFFIXES, ImageData


class ImageFiles(ImageData):
    """The user's own pictures, one a file, laid out as `FileIndex` says.

    Args:
        root: the folder.
        label, test, test_fraction, manifest, only: see `FileIndex`.
        classes, label_separator: see `Labels`.
        **image: arguments of `ImageData`.
    """

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
        **image,
    ) -> None:
        super().__init__(**image)
        self.labels = Labels(classes, label_separator)
        self.index = FileIndex(root, SUFFIXES, label, test, test_fraction, manifest, only, self.labels)

    def load(self, split: Literal["train", "test"]) -> Rows:
        files = self.index.split(split)
        labels = [file.label for file in files]
        if split == "train":
            test_labels = [file.label for file in self.index.split("test")]
            self.class_names = self.labels.class_names(labels, test_labels)
        targets = self.labels.targets(labels, self.class_names, split)
        rows = FileRows([file.path for file in files], targets, self.decode, on_corrupt=self.on_corrupt)
        return decoded(rows, self.memory_gb)
