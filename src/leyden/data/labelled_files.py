from collections.abc import Callable, Collection, Sequence
from typing import ClassVar, Literal

from .classes import Labels
from .datamodule import DataModule
from .decode import decoded
from .file_rows import FileRows
from .files import FileIndex
from .rows import Rows


class LabelledFiles(DataModule):
    """Makes a domain's data of the user's own files, laid out as `FileIndex` says; decoded once where memory allows.

    A class names it before its domain's data, which has the `suffixes` of its files and how to read them as rows.

    Args:
        root: the folder.
        label, test, test_fraction, manifest, only: see `FileIndex`.
        classes, label_separator: see `Labels`.
        **domain: arguments of the domain's data.
    """

    suffixes: ClassVar[Collection[str]]
    file_rows: Callable[..., FileRows]

    paths: ClassVar[tuple[str, ...]] = ("root/", "root/manifest")

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
        **domain,
    ) -> None:
        super().__init__(**domain)
        self.root, self.labels = root, Labels(classes, label_separator)
        self.index = FileIndex(root, self.suffixes, label, test, test_fraction, manifest, only, self.labels)

    def load(self, split: Literal["train", "test"]) -> Rows:
        files = self.index.split(split)
        labels = [file.label for file in files]
        if split == "train":
            test_labels = [file.label for file in self.index.split("test")]
            self.class_names = self.labels.class_names(labels, test_labels)
        targets = self.labels.targets(labels, self.class_names, split)
        return decoded(self.file_rows([file.path for file in files], targets, self.on_corrupt), self.residence)
