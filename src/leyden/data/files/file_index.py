from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

from ..core.account import Account, Ignored, held_out_for_test
from ..core.classes import Labels
from ..core.error import DataError
from ..core.groups import group_ids, held_out_split
from ..core.split_names import SPLITS, Split, split_of
from .file_splits import FileSplits
from .manifest import Manifest
from .path_patterns import part_of_name

UNLABELLED = {"unsup", "unsupervised", "unlabeled", "unlabelled"}  # folders of unlabelled training files


class LabelledFile(NamedTuple):
    path: Path
    label: str
    group: str = ""


class FileIndex:
    """Index of labelled files and their splits.

    The folder has the layout `train/<class>/`, `val/<class>/` and `test/<class>/`, or `<class>/` alone. The label of a
    file is the name of its folder, unless `label` or `manifest` defines it. Labels are normalized to NFC.

    Args:
        root: the folder.
        suffixes: suffixes of the files to use, in lower case.
        label: regular expression on the path below `root`; its first group is the label.
        test, validation: regular expressions on the path below `root` that match the files of the official splits.
        test_fraction: share of each class that is held out for testing, with seed 0, if there is no official test split; None
            for none.
        manifest: CSV, TSV or JSONL with the columns `path` (below `root`), `label` and, optionally, `split`; see
            `Manifest`.
        only: regular expression on the path below `root`; other files are ignored.
        group: column of the manifest, or regular expression on the path below `root` whose first group is the group of
            a file; held-out splits consist of whole groups.
        encoding: encoding of the manifest.
        allow_outside: whether the manifest may list files outside `root`.
        labels: label format.

    Raises:
        DataError: no files are found, or a file has no label.
    """

    def __init__(
        self,
        root: str,
        suffixes: Collection[str],
        label: str | None = None,
        test: str | None = None,
        validation: str | None = None,
        test_fraction: float | None = 0.2,
        manifest: str | None = None,
        only: str | None = None,
        group: str | None = None,
        encoding: str = "utf-8",
        allow_outside: bool = False,
        labels: Labels | None = None,
    ) -> None:
        self.root, self.suffixes = Path(root).expanduser(), suffixes
        self.label, self.test_fraction, self.group, self.labels = label, test_fraction, group, labels or Labels()
        may_be_empty = () if self.labels.separator is None else ("label",)
        self.manifest = (
            Manifest(self.root, manifest, ("label",), may_be_empty, encoding, allow_outside) if manifest else None
        )
        self.files = FileSplits(self.root, suffixes, {"validation": validation, "test": test}, only, label is not None)
        self._ignored, self._how = Ignored(), dict[Split, str]()

    @cached_property
    def splits(self) -> dict[Split, list[LabelledFile]]:
        """The files of each existing split."""
        is_official, files = self._by_manifest() if self.manifest else self._by_name()
        if not is_official and self.test_fraction is not None:
            train = files["train"]
            strata = self.labels.strata([file.label for file in train])
            groups = group_ids([file.group for file in train]) if self.group else None
            parts = held_out_split(strata, groups, self.test_fraction, seed=0)
            files |= {
                split: [train[index] for index in part] for split, part in zip(("train", "test"), parts, strict=True)
            }
            self._how["test"] = held_out_for_test(self.test_fraction)
        return {split: files[split] for split in SPLITS if files.get(split)}

    def split(self, split: Split) -> list[LabelledFile]:
        """The files of a split; empty if there is no such split."""
        return self.splits.get(split, [])

    def forget_training(self) -> None:
        """Free the memory of the training and validation paths, once their files are read."""
        self.__dict__["splits"] = {split: files if split == "test" else [] for split, files in self.splits.items()}

    def account(self) -> Account:
        num_samples = {split: len(files) for split, files in self.splits.items()}
        return Account(self.root, num_samples, dict(self._how), self._ignored)

    @property
    def how_to_test(self) -> str:
        if self.manifest:
            return self.manifest.how_to_test
        if any(split == "validation" for split in self.files.folders.values()):
            name = next(name for name, split in self.files.folders.items() if split == "validation")
            return (
                f"add a folder test/ beside {name}/, or set 'data.test=\"^{name}/\"' to test on its files and hold out "
                "data.validation_fraction of the training files for validation"
            )
        return "add a folder test/, or set data.test to a regular expression that matches the test files"

    def _by_name(self) -> tuple[bool, dict[Split, list[LabelledFile]]]:
        """Whether the split into training and test files is official; and the files of each split."""
        if folder := self.files.hidden_training():
            raise DataError(
                f"{folder.absolute()}/ has the name of a split but lies below another folder: set data.root to its parent "
                "folder, or data.label and data.test to regular expressions, such as '^([^/]+)/' and '/test/'"
            )
        files = {split: self._labelled(paths) for split, paths in self.files.by_split.items()}
        self._ignored, self._how = self.files.ignored, self.files.how
        is_official = bool(self.files.folders) or "test" in self.files.patterns
        self.files.forget_files()
        if not self.label and is_official:
            evaluated = {file.label for split in files if split != "train" for file in files[split]}
            skipped = {file.label for file in files["train"] if file.label.casefold() in UNLABELLED} - evaluated
            self._ignored.add("without a label", *(file.path for file in files["train"] if file.label in skipped))
            files["train"] = [file for file in files["train"] if file.label not in skipped]
        return is_official, files

    def _labelled(self, paths: list[Path]) -> list[LabelledFile]:
        if self.label:
            labels = [part_of_name(path, self.root, self.label, "label") for path in paths]
            return [LabelledFile(path, label, self._group(path)) for path, label in zip(paths, labels, strict=True)]
        tops = {self.root, *(self.root / name for name in self.files.folders)}
        loose = [path for path in paths if path.parent in tops]
        if len(loose) == len(paths):
            raise DataError(
                f"the files in {loose[0].parent.absolute()}, such as {loose[0].name!r}, are not in class folders: set "
                "data.label to a regular expression whose first group is the label, or data.manifest"
            )
        self.files.ignored.add("not in a class folder", *loose)
        files = [path for path in paths if path.parent not in tops]
        return [LabelledFile(path, self._class_of(path), self._group(path)) for path in files]

    def _class_of(self, path: Path) -> str:
        name = normalize("NFC", path.parent.name)
        if split_of(name):
            raise DataError(
                f"the folder {path.parent.absolute()} has the name of a split, but would be a class: set data.root to the "
                "folder that contains train/, or, if it is a class, set 'data.label=\"([^/]+)/[^/]+$\"'"
            )
        return name

    def _group(self, path: Path) -> str:
        return part_of_name(path, self.root, self.group, "group") if self.group else ""

    def _by_manifest(self) -> tuple[bool, dict[Split, list[LabelledFile]]]:
        assert self.manifest
        entries = self.manifest.read()
        groups = self.manifest.groups(entries, self.group)
        files: dict[Split, list[LabelledFile]] = {split: [] for split in SPLITS}
        for (path, cells, split), group in zip(entries, groups, strict=True):
            files[split or "train"].append(LabelledFile(path, cells["label"], group))
        self._ignored = self.manifest.unlisted(entries, self.suffixes)
        is_official = entries[0].split is not None
        self._how = {split: "column split" for split in SPLITS if is_official and files[split]}
        return is_official, files
