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
    """Your own texts: one file, or all files of a folder, sorted by name.

    Files that match `test` or `validation` form these splits; without patterns, folders named like splits do, or file
    names if all of them contain the name of a split, such as `wiki.valid.tokens`. Otherwise, a split comes from the end of
    the remaining text: the last `test_fraction` of its characters for testing, and `validation_fraction` before them for
    validation. With `test_fraction=0`, the validation text is also the test text.

    Args:
        root: file or folder.
        suffixes: suffixes of the files to read from a folder.
        validation, test: regular expressions on the path below `root`.
        test_fraction: see above; `validation_fraction` is an argument of `DataModule`.
        download: `url` and `sha256` of the file `root`, which is downloaded if missing.
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
        train, middle, end = split_documents(self._read(files["train"]), 1 - validation - test, 1 - test)
        return {"train": train, "validation": middle, "test": end}[split]

    @cached_property
    def parts(self) -> dict[Split, list[Path]]:
        """The files of each split that has its own files."""
        if not self.root.exists():
            raise DataError(f"there is no file or folder {self.root.absolute()}: set data.root to your texts")
        if self.root.is_file():
            if patterns := [split for split, pattern in self.patterns.items() if pattern]:
                raise DataError(f"data.{patterns[0]} needs a folder of files, but data.root={self.root} is a file")
            return {"train": [self.root]}
        by_split, files = self.files.by_split, self.files.scan.files
        if self.files.how:
            return by_split
        # As in wiki.train.tokens, wiki.valid.tokens and wiki.test.tokens.
        named = {path: split for path in files if (split := split_in(path.stem))}
        if len(named) < len(files) or "train" not in named.values():
            return by_split
        return {split: [path for path in files if named[path] == split] for split in SPLITS if split in named.values()}

    def sources(self, split: Split) -> list[Path]:
        return self.parts.get(split, [])

    def count_samples(self) -> Account:
        num_samples = {split: len(paths) for split, paths in self.parts.items()}
        if self.root.is_file():
            how, ignored = {}, Ignored()
        else:
            how = dict(self.files.how) or {split: "by file names" for split in num_samples if len(num_samples) > 1}
            ignored = self.files.ignored
        ends: dict[Split, str] = {"validation": "validation_fraction", "test": "test_fraction"}
        for split, setting in ends.items():
            fraction = getattr(self, setting)
            end = f"from the end of the training text: data.{setting}={fraction:g}"
            how.setdefault(split, end if fraction else "the validation text: data.test_fraction=0")
        return Account(self.root, num_samples, how, ignored)

    def _read(self, paths: list[Path]) -> list[str]:
        return [read_text(path, self.encoding) for path in paths]


def split_documents(documents: list[str], *shares: float) -> list[list[str]]:
    """Split concatenated documents at shares of their total number of characters, rounded down."""
    total = sum(map(len, documents))
    bounds = [0, *(int(total * share) for share in shares), total]
    parts: list[list[str]] = [[] for _ in bounds[1:]]
    first = 0
    for document in documents:
        for part, begin, end in zip(parts, bounds, bounds[1:], strict=False):
            if text := document[max(0, begin - first) : max(0, end - first)]:
                part.append(text)
        first += len(document)
    return parts
