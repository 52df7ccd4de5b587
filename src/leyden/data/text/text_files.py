import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar
from unicodedata import normalize

from ..core.account import Account, held_out_for_test
from ..core.classes import Labels
from ..core.error import DataError
from ..core.groups import group_ids, held_out_split
from ..core.split_names import SPLITS, Split, split_in
from ..files.fetch import fetch
from ..files.files import expand_inputs
from ..files.lines import read_lines
from .table import SUFFIXES, LabelledText, Table
from .text_data import TextData


class TextFiles(TextData):
    """Your own labelled texts in CSV, TSV or JSONL, or in lines that a pattern takes apart; see `Table`.

    Args:
        train: file of the training rows.
        test: file of the official test rows; without it, a part of the training file is held out.
        validation: file of the official validation rows; without it, a `validation_fraction` of training is held out.
        text, label: columns, by name, or by number from 0 where the first line is a row already; several columns of
            text are joined.
        pattern: regular expression with the groups `text` and `label` that takes each line apart.
        group: column, or group of the pattern, that names the source of a text, such as its author; what is held out
            are all texts of some sources.
        test_fraction: share of each class to test on, chosen with seed 0, where there is no test file.
        names: label in the files -> name of the class, in the order of the classes.
        classes, label_separator: see `Labels`; either `names` or `classes`.
        download: `train`, `validation` and `test` -> `url` and `sha256` of files that are fetched where they are missing.
        **loading: arguments of `TextData`.
    """

    paths: ClassVar[tuple[str, ...]] = ("train", "test", "validation", "vectors")

    def __init__(
        self,
        train: str,
        test: str | None = None,
        validation: str | None = None,
        text: str | int | Sequence[str | int] = "text",
        label: str | int = "label",
        pattern: str | None = None,
        group: str | int | None = None,
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
        named: dict[Split, str | None] = {"train": train, "validation": validation, "test": test}
        self.files = {split: Path(name).expanduser() for split, name in named.items() if name}
        self.table = Table(text, label, pattern, self.encoding, label_separator is not None, group)
        self.test_fraction, self.download, self.group = test_fraction, download or {}, group
        self.names = {normalize("NFC", str(label)): name for label, name in (names or {}).items()}
        self.labels = Labels(list(self.names.values()) or classes, label_separator)
        self.class_names = self.labels.classes

    def download_files(self) -> None:
        for split, source in self.download.items():
            if path := next((path for name, path in self.files.items() if name == split), None):
                fetch(source["url"], source["sha256"], path)

    def official_splits(self) -> tuple[Split, ...]:
        return ("train", "validation", "test") if self.has_validation else ("train", "test")

    @cached_property
    def has_validation(self) -> bool:
        return "validation" in self.files or "validation" in self.table_rows

    def setup(self, stage: str) -> None:
        super().setup(stage)
        _ = self.has_validation  # known from now on
        self.__dict__.pop("table_rows", None)  # the texts are tokens now

    @cached_property
    def table_rows(self) -> dict[Split, list[LabelledText]]:
        """The rows of each split that there is."""
        found = self._divided({split: self._read(split, path) for split, path in self.files.items()})
        if "test" not in found:
            train = found["train"]
            groups = None if self.group is None else group_ids([row.group for row in train])
            strata = self.labels.strata([row.label for row in train])
            parts = held_out_split(strata, groups, self.test_fraction, seed=0)
            found |= {"train": [train[number] for number in parts[0]], "test": [train[number] for number in parts[1]]}
        return found

    def _divided(self, read: dict[Split, list[LabelledText]]) -> dict[Split, list[LabelledText]]:
        """The rows of the files by the column `split`, where they have one."""
        rows = [(split, row) for split, texts in read.items() for row in texts]
        if not any(row.split for _, row in rows):
            return read
        if len(read) > 1:
            if wrong := next((row for split, row in rows if row.split not in (None, split)), None):
                others = ", ".join(f"data.{split}" for split in read if split != "train")
                raise DataError(f"rows of the split {wrong.split!r} are in the file of another one: leave out {others}")
            return read
        parts = {split: [row for _, row in rows if row.split == split] for split in SPLITS}
        if not parts["train"]:
            raise DataError(f"{self.files['train']} has no row of the split train")
        return {split: texts for split, texts in parts.items() if texts}

    def load_texts(self, split: Split) -> tuple[list[str], list[str]]:
        rows = self.table_rows[split]
        return [row.text for row in rows], [row.label for row in rows]

    def groups_of(self, split: Split) -> list[str] | None:
        return None if self.group is None else [row.group for row in self.table_rows[split]]

    def sources(self, split: Split) -> list[str]:
        return [row.text for row in self.table_rows[split]]

    def count_samples(self) -> Account:
        found = {split: path.name for split, path in self.files.items()}
        told = {row.split for row in self.table_rows["test"]} == {"test"}
        if "test" not in found:
            found["test"] = "column split" if told else held_out_for_test(self.test_fraction)
        if "validation" in self.table_rows:
            found.setdefault("validation", "column split")
        taken = {split: len(self.table_rows[split]) for split in SPLITS if split in self.table_rows}
        account = Account(self.files["train"].parent, taken, found)
        for path in sorted(self.files["train"].parent.glob(f"*{self.files['train'].suffix}")):
            if (split := split_in(path.stem)) and split not in self.files:
                account.notes.append(f"{path.name} is not used; if it is the {split} split: data.{split}={path}")
        return account

    def _read(self, split: Split, path: Path) -> list[LabelledText]:
        if not path.is_file():
            raise DataError(f"there is no file {path.absolute()}: set data.{split} to yours")
        rows = self.table.read(path)
        return [row._replace(label=self._name(row.label, path)) for row in rows] if self.names else rows

    def _name(self, label: str, path: Path) -> str:
        if label not in self.names:
            raise DataError(f"{path} has the label {label!r}, which data.names does not name: {self.names}")
        return self.names[label]

    def read_texts(self, inputs: list[Path]) -> Iterator[tuple[str, str]]:
        """The texts of tables like those of training, which need no labels; or each line of a .txt file."""
        own = {path.suffix.lower() for path in self.files.values()}
        for path in expand_inputs(inputs, {".txt", *SUFFIXES, *own}):
            if path.suffix.lower() == ".txt" and not self._is_table(path):
                yield from self._lines(path)
            else:
                yield from ((f"{path}:{number}", text) for number, text in self.table.texts(path))

    def _is_table(self, path: Path) -> bool:
        """Whether a .txt file is one of lines that the pattern takes apart, and not of texts alone."""
        pattern = self.table.pattern
        return bool(pattern) and any(re.search(pattern, line) for _, line in read_lines(path, self.encoding))
