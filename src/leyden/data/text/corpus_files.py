from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from ..core.account import Account, Ignored
from ..core.error import DataError
from ..core.split_names import SPLITS, Split, split_in
from ..files.fetch import fetch
from ..files.file_splits import FileSplits
from ..files.lines import read_text
from .corpus_data import CorpusData


class CorpusFiles(CorpusData):
    """User texts: one file, or all files of a folder in the order of their names.

    The splits: files that match `test` are tested on, of the others those that match `validation` are validated on;
    without patterns, folders called like splits tell them, or the names of the files where all of them do, as in
    `wiki.valid.tokens`. Where a split is not told so, the end of what is left is taken instead: of all its characters
    the last `test_fraction` for the test, `validation_fraction` before these for validation, all before for training.
    With `test_fraction=0` there is no text for a test alone, and the validation text is tested on.

    Args:
        root: file or folder.
        suffixes: endings of the files to take from a folder.
        validation, test: regular expressions on the path below `root`.
        test_fraction: see above; `validation_fraction` is an argument of `DataModule`.
        download: `url` and `sha256` of the file `root`, which is fetched where it is missing.
        **corpus: arguments of `CorpusData`.
    """

    paths: ClassVar[tuple[str, ...]] = ("root",)

    def __init__(
        self,
        root: str,
        suffixes: Sequence[str] = (".txt",),
        validation: str | None = None,
        test: str | None = None,
        test_fraction: float = 0.1,
        download: Mapping[str, str] | None = None,
        **corpus,
    ) -> None:
        if not 0 <= test_fraction < 1:
            raise ValueError(f"test_fraction is {test_fraction}; it must be at least 0 and below 1")
        super().__init__(**corpus)
        self.root, self.suffixes = Path(root).expanduser(), tuple(suffix.lower() for suffix in suffixes)
        self.patterns: dict[Split, str | None] = {"validation": validation, "test": test}
        self.files = FileSplits(self.root, self.suffixes, self.patterns)
        self.test_fraction, self.download = test_fraction, download

    def download_files(self) -> None:
        if self.download:
            fetch(self.download["url"], self.download["sha256"], self.root)

    def load_documents(self, split: Split) -> list[str]:
        files = self.parts
        test = 0.0 if "test" in files else self.test_fraction
        validation = 0.0 if "validation" in files else self.validation_fraction
        if test + validation >= 1:
            raise DataError(f"validation_fraction={validation} and test_fraction={test} leave no text for training")
        if split == "test" and not ("test" in files or test):
            split = "validation"
        if split in files and split != "train":
            return self._read(files[split])
        train, middle, end = cut(self._read(files["train"]), 1 - validation - test, 1 - test)
        return {"train": train, "validation": middle, "test": end}[split]

    @cached_property
    def parts(self) -> dict[Split, list[Path]]:
        """The files of each split that has files of its own."""
        if not self.root.exists():
            raise DataError(f"there is no file or folder {self.root.absolute()}: set data.root to your texts")
        if self.root.is_file():
            if patterns := [split for split, pattern in self.patterns.items() if pattern]:
                raise DataError(f"data.{patterns[0]} is for a folder of files; data.root={self.root} is one file")
            return {"train": [self.root]}
        found, files = self.files.found, self.files.scan.files
        if self.files.how:
            return found
        # As in wiki.train.tokens, wiki.valid.tokens and wiki.test.tokens.
        told = {path: split for path in files if (split := split_in(path.stem))}
        if len(told) < len(files) or "train" not in told.values():
            return found
        return {split: [path for path in files if told[path] == split] for split in SPLITS if split in told.values()}

    def sources(self, split: Split) -> list[Path]:
        return self.parts.get(split, [])

    def count_samples(self) -> Account:
        taken = {split: len(paths) for split, paths in self.parts.items()}
        if self.root.is_file():
            found, ignored = {}, Ignored()
        else:
            found = dict(self.files.how) or {split: "by the names of files" for split in taken if len(taken) > 1}
            ignored = self.files.ignored
        ends: dict[Split, str] = {"validation": "validation_fraction", "test": "test_fraction"}
        for split, setting in ends.items():
            fraction = getattr(self, setting)
            end = f"from the end of the training text: data.{setting}={fraction:g}"
            found.setdefault(split, end if fraction else "the validation text: data.test_fraction=0")
        return Account(self.root, taken, found, ignored)

    def _read(self, paths: list[Path]) -> list[str]:
        return [read_text(path, self.encoding) for path in paths]


def cut(documents: list[str], *shares: float) -> list[list[str]]:
    """Cuts documents that stand one after the other at shares of all their characters, rounded down."""
    total = sum(map(len, documents))
    places = [0, *(int(total * share) for share in shares), total]
    parts: list[list[str]] = [[] for _ in places[1:]]
    first = 0
    for document in documents:
        for part, begin, end in zip(parts, places, places[1:], strict=False):
            if text := document[max(0, begin - first) : max(0, end - first)]:
                part.append(text)
        first += len(document)
    return parts
