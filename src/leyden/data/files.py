import csv
import re
from collections.abc import Collection
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import UserError
from .classes import Labels
from .error import DataError
from .split import stratified_split


class LabelledFile(NamedTuple):
    path: Path
    label: str


class FileIndex:
    """Which files there are, their labels, and which of them are for testing.

    The folder may be laid out as `train/<class>/` and `test/<class>/`, or as `<class>/` alone. A label is the name of
    the file's folder, unless `label` or `manifest` says otherwise.

    Args:
        root: the folder.
        suffixes: endings of the files to take, in lower case.
        label: regular expression on the path below `root`; its first group is the label.
        test: regular expression on the path below `root` that finds the files of the official test split.
        test_fraction: share of each class to test on, chosen with seed 0, where nothing else tells the test split.
        manifest: CSV with the columns `path` (below `root`), `label` and, by choice, `split` (train or test).
        only: regular expression on the path below `root`; files that it does not match are left out.
        labels: tells whether rows have several classes.

    Raises:
        DataError: nothing is found, or a label cannot be told.
    """

    def __init__(
        self,
        root: str,
        suffixes: Collection[str],
        label: str | None = None,
        test: str | None = None,
        test_fraction: float = 0.2,
        manifest: str | None = None,
        only: str | None = None,
        labels: Labels | None = None,
    ) -> None:
        self.root, self.suffixes = Path(root).expanduser(), suffixes
        self.label, self.test, self.test_fraction, self.manifest = label, test, test_fraction, manifest
        self.only, self.labels = re.compile(only or ""), labels or Labels()

    def split(self, split: Literal["train", "test"]) -> list[LabelledFile]:
        if not self.root.is_dir():
            raise DataError(f"there is no folder {self.root.absolute()}: set data.root to the folder of your files")
        if self.manifest:
            return self._by_manifest(split)
        if not self.test and (self.root / "train").is_dir():
            return self._labelled(self._chosen(self.root / split))
        found = self._labelled(self._chosen(self.root))
        if self.test:
            is_test = [bool(re.search(self.test, self._name(path))) for path, _ in found]
            return [file for file, test in zip(found, is_test, strict=True) if test == (split == "test")]
        return self._by_fraction(found, split)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _chosen(self, folder: Path) -> list[Path]:
        found = find_files(folder, self.suffixes)
        chosen = [path for path in found if self.only.search(self._name(path))]
        if not chosen:
            raise DataError(
                f"data.only={self.only.pattern!r} matches none of the {len(found)} files in {folder}, "
                f"such as {self._name(found[0])!r}"
            )
        return chosen

    def _labelled(self, paths: list[Path]) -> list[LabelledFile]:
        if not self.label:
            return [LabelledFile(path, path.parent.name) for path in paths]
        matches = [re.search(self.label, self._name(path)) for path in paths]
        for path, match in zip(paths, matches, strict=True):
            if not match:
                raise DataError(f"data.label={self.label!r} does not match {self._name(path)!r} in {self.root}")
        return [LabelledFile(path, match[1]) for path, match in zip(paths, matches, strict=True) if match]

    def _by_fraction(self, found: list[LabelledFile], split: str) -> list[LabelledFile]:
        strata = self.labels.strata([file.label for file in found])
        train, test = stratified_split(strata, self.test_fraction, seed=0)
        return [found[i] for i in (test if split == "test" else train)]

    def _by_manifest(self, split: str) -> list[LabelledFile]:
        manifest = self.root / str(self.manifest)
        if not manifest.is_file():
            raise DataError(f"there is no manifest {manifest.absolute()} (data.manifest, below data.root)")
        with manifest.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
        if not rows or not {"path", "label"} <= rows[0].keys():
            raise DataError(
                f"{manifest} needs the columns path and label; it has {list(rows[0]) if rows else 'no rows'}"
            )
        found = [LabelledFile(self.root / row["path"], row["label"]) for row in rows]
        for number, (path, _) in enumerate(found, start=2):
            if not path.is_file():
                raise DataError(f"{manifest}:{number}: there is no file {path}")
        if "split" in rows[0]:
            return [file for file, row in zip(found, rows, strict=True) if row["split"] == split]
        return self._by_fraction(found, split)


def find_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """All files below a folder with one of the endings, in the order of their names.

    Raises:
        DataError: there is none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    if not found:
        raise DataError(f"no {', '.join(sorted(suffixes))} file in {folder.absolute()}")
    return found


def expand_inputs(inputs: list[Path], suffixes: Collection[str]) -> list[Path]:
    """Files and folders of files, as given on a command line -> files.

    Raises:
        UserError: one does not exist, or holds nothing of that kind.
    """
    files = []
    for path in inputs:
        try:
            files += find_files(path, suffixes) if path.is_dir() else [path]
        except DataError as error:
            raise UserError(str(error)) from None
        if not path.exists():
            raise UserError(f"there is no file or folder {path}")
        if path.is_file() and path.suffix.lower() not in suffixes:
            raise UserError(f"{path} is none of {', '.join(sorted(suffixes))}")
    return files
