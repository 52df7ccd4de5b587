import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from ..error import DataError
from ..fetch import fetch
from ..files import find_files
from .corpus_data import CorpusData, Split
from .lines import read_text


class CorpusFiles(CorpusData):
    """The user's own texts: one file, or all files of a folder in the order of their names.

    The splits: files that match `test` are tested on, of the others those that match `validation` are validated on.
    Where one of these is not given, the end of what is left is taken instead: of all its characters the last
    `test_fraction` for the test, `validation_fraction` before these for validation, all before for training. With
    `test_fraction=0` there is no text for a test alone, and the validation text is tested on.

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
        self.patterns = {"test": test, "validation": validation}
        self.test_fraction, self.download = test_fraction, download

    def download_files(self) -> None:
        if self.download:
            fetch(self.download["url"], self.download["sha256"], self.root)

    def load_documents(self, split: Split) -> list[str]:
        found: dict[str, list[str]] = {"test": [], "validation": [], "train": []}
        for path in self.files():
            name = path.name if path == self.root else path.relative_to(self.root).as_posix()
            matching = (part for part, pattern in self.patterns.items() if pattern and re.search(pattern, name))
            found[next(matching, "train")].append(read_text(path, self.encoding))
        for part, pattern in self.patterns.items():
            if pattern and not found[part]:
                raise DataError(f"data.{part}={pattern!r} finds none of the files in {self.root}")
        test = 0.0 if self.patterns["test"] else self.test_fraction
        validation = 0.0 if self.patterns["validation"] else self.validation_fraction
        if test + validation >= 1:
            raise DataError(f"validation_fraction={validation} and test_fraction={test} leave no text for training")
        train, middle, end = cut(found["train"], 1 - validation - test, 1 - test)
        if split == "train":
            return train
        if split == "test" and (self.patterns["test"] or test):
            return found["test"] or end
        return found["validation"] or middle

    def files(self) -> list[Path]:
        if self.root.is_file():
            return [self.root]
        if not self.root.is_dir():
            raise DataError(f"there is no file or folder {self.root.absolute()}: set data.root to your texts")
        return find_files(self.root, self.suffixes)


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
