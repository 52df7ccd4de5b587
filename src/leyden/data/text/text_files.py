import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from ..classes import Labels
from ..error import DataError
from ..fetch import fetch
from ..files import expand_inputs
from ..split import stratified_split
from .lines import read_lines
from .table import SUFFIXES, Table
from .text_data import TextData


class TextFiles(TextData):
    """The user's own labelled texts in CSV, TSV or JSONL, or in lines that a pattern takes apart; see `Table`.

    Args:
        train: file of the training rows.
        test: file of the official test rows; without it, a part of the training file is held out.
        text, label: columns, by name, or by number from 0 where the first line is a row already; several columns of
            text are joined.
        pattern: regular expression with the groups `text` and `label` that takes each line apart.
        test_fraction: share of each class to test on, chosen with seed 0, where there is no test file.
        names: label in the files -> name of the class, in the order of the classes.
        classes, label_separator: see `Labels`; either `names` or `classes`.
        download: `train` and `test` -> `url` and `sha256` of files that are fetched where they are missing.
        **loading: arguments of `TextData`.
    """

    paths: ClassVar[tuple[str, ...]] = ("train", "test", "vectors")

    def __init__(
        self,
        train: str,
        test: str | None = None,
        text: str | int | Sequence[str | int] = "text",
        label: str | int = "label",
        pattern: str | None = None,
        test_fraction: float = 0.2,
        names: Mapping[str | int, str] | None = None,
        classes: Sequence[str] | None = None,
        label_separator: str | None = None,
        download: Mapping[str, Mapping[str, str]] | None = None,
        **loading,
    ) -> None:
        if not 0 < test_fraction < 1:
            raise ValueError(f"test_fraction is {test_fraction}; it must be between 0 and 1")
        if names and (classes or label_separator is not None):
            raise ValueError("names is for rows of one class, and tells all classes: set no classes or label_separator")
        super().__init__(**loading)
        self.files = {"train": Path(train).expanduser(), "test": Path(test).expanduser() if test else None}
        self.table = Table(text, label, pattern, self.encoding, may_be_empty=label_separator is not None)
        self.test_fraction, self.download = test_fraction, download or {}
        self.names = {str(label): name for label, name in (names or {}).items()}
        self.labels = Labels(list(self.names.values()) or classes, label_separator)
        self.class_names = self.labels.classes

    def download_files(self) -> None:
        for split, source in self.download.items():
            if path := self.files[split]:
                fetch(source["url"], source["sha256"], path)

    def load_texts(self, split: Literal["train", "test"]) -> tuple[list[str], list[str]]:
        path = self.files[split] or self.files["train"]
        assert path
        if not path.is_file():
            raise DataError(f"there is no file {path.absolute()}: set data.{split} to yours")
        rows = self.table.read(path)
        if self.names:
            rows = [row._replace(label=self._name(row.label, path)) for row in rows]
        if not self.files["test"]:
            strata = self.labels.strata([row.label for row in rows])
            training, test = stratified_split(strata, self.test_fraction, seed=0)
            rows = [rows[number] for number in (test if split == "test" else training)]
        return [row.text for row in rows], [row.label for row in rows]

    def _name(self, label: str, path: Path) -> str:
        if label not in self.names:
            raise DataError(f"{path} has the label {label!r}, which data.names does not name: {self.names}")
        return self.names[label]

    def read_texts(self, inputs: list[Path]) -> Iterator[tuple[str, str]]:
        """The texts of tables like those of training, which need no labels; or each line of a .txt file."""
        own = {path.suffix.lower() for path in self.files.values() if path}
        for path in expand_inputs(inputs, {".txt", *SUFFIXES, *own}):
            if path.suffix.lower() == ".txt" and not self._is_table(path):
                yield from self._lines(path)
            else:
                yield from ((f"{path}:{number}", text) for number, text in self.table.texts(path))

    def _is_table(self, path: Path) -> bool:
        """Whether a .txt file is one of lines that the pattern takes apart, and not of texts alone."""
        pattern = self.table.pattern
        return bool(pattern) and any(re.search(pattern, line) for _, line in read_lines(path, self.encoding))
