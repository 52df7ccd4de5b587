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

UNLABELLED = {"unsup", "unsupervised", "unlabeled", "unlabelled"}  # folders beside those of classes, in training alone


class LabelledFile(NamedTuple):
    path: Path
    label: str
    group: str = ""


class FileIndex:
    """Which files there are, their labels, and the split of each.

    The folder may be laid out as `train/<class>/`, `val/<class>/` and `test/<class>/`, or as `<class>/` alone. A label
    is the name of the file's folder, unless `label` or `manifest` says otherwise. Labels are in composed characters
    (NFC).

    Args:
        root: the folder.
        suffixes: endings of the files to take, in lower case.
        label: regular expression on the path below `root`; its first group is the label.
        test, validation: regular expressions on the path below `root` that find the files of the official splits.
        test_fraction: share of each class to test on, chosen with seed 0, where nothing else tells the test split.
        manifest: CSV, TSV or JSONL with the columns `path` (below `root`), `label` and, optionally, `split`; see
            `Manifest`.
        only: regular expression on the path below `root`; files that it does not match are left out.
        group: column of the manifest, or regular expression on the path below `root` whose first group names the source
            of a file; what is held out are whole sources.
        encoding: of the manifest.
        allow_outside: whether the manifest may list files outside `root`.
        labels: tells whether samples have several classes.

    Raises:
        DataError: nothing is found, or a label cannot be told.
    """

    def __init__(
        self,
        root: str,
        suffixes: Collection[str],
        label: str | None = None,
        test: str | None = None,
        validation: str | None = None,
        test_fraction: float = 0.2,
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
        """The files of each split that there is."""
        is_official, found = self._by_manifest() if self.manifest else self._by_name()
        if not is_official:
            train = found["train"]
            strata = self.labels.strata([file.label for file in train])
            groups = group_ids([file.group for file in train]) if self.group else None
            parts = held_out_split(strata, groups, self.test_fraction, seed=0)
            found |= {
                split: [train[index] for index in part] for split, part in zip(("train", "test"), parts, strict=True)
            }
            self._how["test"] = held_out_for_test(self.test_fraction)
        return {split: found[split] for split in SPLITS if found.get(split)}

    def split(self, split: Split) -> list[LabelledFile]:
        """The files of a split; none of one that there is not."""
        return self.splits.get(split, [])

    def forget_training(self) -> None:
        """Frees the memory of many paths, once the files of training and validation are read."""
        self.__dict__["splits"] = {split: files if split == "test" else [] for split, files in self.splits.items()}

    def account(self) -> Account:
        taken = {split: len(files) for split, files in self.splits.items()}
        return Account(self.root, taken, dict(self._how), self._ignored)

    @property
    def how_to_test(self) -> str:
        if self.manifest:
            return self.manifest.how_to_test
        if any(split == "validation" for split in self.files.folders.values()):
            name = next(name for name, split in self.files.folders.items() if split == "validation")
            return (
                f"add a folder test/ beside {name}/, or set 'data.test=\"^{name}/\"' to test on its files and to hold "
                "validation_fraction of the training files out instead"
            )
        return "add a folder test/, or set data.test to a pattern that its files match"

    def _by_name(self) -> tuple[bool, dict[Split, list[LabelledFile]]]:
        """Whether the test split is known or known to be missing; and the files as folders or patterns divide them."""
        if folder := self.files.hidden_training():
            raise DataError(
                f"{folder.absolute()}/ is called like a split and lies below another folder: set data.root to the folder "
                "that it lies in, or data.label and data.test to regular expressions, such as '^([^/]+)/' and '/test/'"
            )
        found = {split: self._labelled(paths) for split, paths in self.files.found.items()}
        self._ignored, self._how = self.files.ignored, self.files.how
        is_official = bool(self.files.folders) or "test" in self.files.patterns
        self.files.forget_files()
        if not self.label and is_official:
            known = {file.label for split, files in found.items() if split != "train" for file in files}
            skipped = {file.label for file in found["train"] if file.label.casefold() in UNLABELLED} - known
            self._ignored.add("without a label", *(file.path for file in found["train"] if file.label in skipped))
            found["train"] = [file for file in found["train"] if file.label not in skipped]
        return is_official, found

    def _labelled(self, paths: list[Path]) -> list[LabelledFile]:
        if self.label:
            labels = [part_of_name(path, self.root, self.label, "label") for path in paths]
            return [LabelledFile(path, label, self._group(path)) for path, label in zip(paths, labels, strict=True)]
        tops = {self.root, *(self.root / name for name in self.files.folders)}
        loose = [path for path in paths if path.parent in tops]
        if len(loose) == len(paths):
            raise DataError(
                f"the files in {loose[0].parent.absolute()}, such as {loose[0].name!r}, lie in no folder of a class: set "
                "data.label to a regular expression whose first group is the label, or data.manifest"
            )
        self.files.ignored.add("in no folder of a class", *loose)
        files = [path for path in paths if path.parent not in tops]
        return [LabelledFile(path, self._class_of(path), self._group(path)) for path in files]

    def _class_of(self, path: Path) -> str:
        name = normalize("NFC", path.parent.name)
        if split_of(name):
            raise DataError(
                f"the folder {path.parent.absolute()} is called like a split and would be a class: set data.root to "
                "the folder with train/, or, where it is a class, set 'data.label=\"([^/]+)/[^/]+$\"'"
            )
        return name

    def _group(self, path: Path) -> str:
        return part_of_name(path, self.root, self.group, "group") if self.group else ""

    def _by_manifest(self) -> tuple[bool, dict[Split, list[LabelledFile]]]:
        assert self.manifest
        entries = self.manifest.read()
        groups = self.manifest.groups(entries, self.group)
        found: dict[Split, list[LabelledFile]] = {split: [] for split in SPLITS}
        for (path, cells, split), group in zip(entries, groups, strict=True):
            found[split or "train"].append(LabelledFile(path, cells["label"], group))
        self._ignored = self.manifest.unlisted(entries, self.suffixes)
        is_official = entries[0].split is not None
        self._how = {split: "column split" for split in SPLITS if is_official and found[split]}
        return is_official, found
