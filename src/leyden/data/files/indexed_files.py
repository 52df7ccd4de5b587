from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar

from ..core.account import Account
from ..core.classes import Labels
from ..core.datamodule import DataModule
from ..core.split_names import Split
from .file_index import FileIndex


class IndexedFiles(DataModule):
    """Base class of your own labelled files, one per sample, in a layout that `FileIndex` reads.

    Inherit from it before the class of the domain, which defines the `suffixes` of its files.

    Args:
        root: the folder.
        label, test, validation, test_fraction, manifest, only, group, encoding, allow_outside: see `FileIndex`.
        classes, label_separator: see `Labels`.
        **domain: arguments of the class of the domain.
    """

    paths: ClassVar[tuple[str, ...]] = ("root/", "root/manifest")
    suffixes: ClassVar[Collection[str]]

    def __init__(
        self,
        root: str,
        label: str | None = None,
        test: str | None = None,
        validation: str | None = None,
        test_fraction: float = 0.2,
        manifest: str | None = None,
        only: str | None = None,
        group: str | None = None,
        encoding: str = "utf-8",
        allow_outside: bool = False,
        classes: Sequence[str] | None = None,
        label_separator: str | None = None,
        **domain,
    ) -> None:
        if not 0 < test_fraction < 1:
            raise ValueError(f"test_fraction is {test_fraction}; it must be strictly between 0 and 1")
        if manifest and (label or validation or test or only):
            raise ValueError(
                f"manifest is {manifest}, which defines labels and splits: remove label, validation, test and only"
            )
        super().__init__(**domain)
        self.root, self.encoding, self.labels = root, encoding, Labels(classes, label_separator)
        self.index = FileIndex(
            root,
            self.suffixes,
            label,
            test,
            validation,
            None if self.num_folds else test_fraction,
            manifest,
            only,
            group,
            encoding,
            allow_outside,
            self.labels,
        )

    @property
    def how_to_test(self) -> str:
        return self.index.how_to_test

    def official_splits(self) -> tuple[Split, ...]:
        return tuple(self.index.splits)

    def setup(self, stage: str) -> None:
        super().setup(stage)
        if "train" in self.samples:
            self.index.forget_training()

    def count_samples(self) -> Account:
        account, splits = self.index.account(), self.index.splits
        if "test" in splits and self.labels.separator is None:
            absent = sorted({file.label for file in splits["train"]} - {file.label for file in splits["test"]})
            if absent:
                account.notes.append(f"classes without a test sample: {', '.join(absent[:10])} ({len(absent)} in all)")
        return account

    def sources(self, split: Split) -> list[Path]:
        return [file.path for file in self.index.split(split)]

    def labels_of(self, split: Split) -> list[str]:
        return [file.label for file in self.index.split(split)]

    def groups_of(self, split: Split) -> list[str] | None:
        return [file.group for file in self.index.split(split)] if self.index.group else None
