from typing import Literal

from ..classes import class_numbers
from ..decode import decoded
from ..files import FileIndex
from ..rows import FileRows, Rows
from .image_data import SUFFIXES, ImageData


class ImageFiles(ImageData):
    """The user's own pictures, one a file, laid out as `FileIndex` says.

    Args:
        root: the folder.
        label, test, test_fraction, manifest: see `FileIndex`.
        **image: arguments of `ImageData`.
    """

    def __init__(
        self,
        root: str,
        label: str | None = None,
        test: str | None = None,
        test_fraction: float = 0.2,
        manifest: str | None = None,
        **image,
    ) -> None:
        super().__init__(**image)
        self.index = FileIndex(root, SUFFIXES, label, test, test_fraction, manifest)

    def load(self, split: Literal["train", "test"]) -> Rows:
        files = self.index.split(split)
        labels = [file.label for file in files]
        if split == "train":
            self.class_names = sorted(set(labels))
        targets = class_numbers(labels, self.class_names, split)
        rows = FileRows([file.path for file in files], targets, self.decode, on_corrupt=self.on_corrupt)
        return decoded(rows, self.memory_gb)
