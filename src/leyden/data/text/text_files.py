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
    """Your own labelled texts in CSV, TSV or JSONL, or in lines that match a regular expression; see `Table`.

    Args:
        train: file of the training samples.
        test: file of the official test samples; by default, held out of the training file.
        validation: file of the official validation samples; by default, held out of training.
        text, label: columns, by name, or by index in a file without a header; several text columns are joined.
        pattern: regular expression for each line, with the groups `text` and `label`.
        group: column, or group of the pattern, that names the source of a text, such as its author; held-out splits
            consist of whole groups.
        test_fraction: share of each class held out for testing, with seed 0, if there is no test file.
        names: maps labels in the files to class names, in the order of the classes.
        classes, label_separator: see `Labels`; set either `names` or `classes`.
        download: `url` and `sha256` of the files `train`, `validation` and `test`, downloaded if missing.
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
            raise ValueError(f"test_fraction is {test_fraction}; it must be strictly between 0 and 1")
        if names and (classes or label_separator is not None):
            raise ValueError("names defines all classes, one per sample: remove classes and label_separator")
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
        return self._splits

    @cached_property
    def _splits(self) -> tuple[Split, ...]:
        return tuple(split for split in SPLITS if split in self.files or split in self.table_rows)

    def setup(self, stage: str) -> None:
        super().setup(stage)
        _ = self._splits  # cached before the rows are freed
        self.__dict__.pop("table_rows", None)  # their texts are encoded

    @cached_property
    def table_rows(self) -> dict[Split, list[LabelledText]]:
        """The rows of each existing split."""
        rows = self._by_column({split: self._read(split, path) for split, path in self.files.items()})
        if "test" not in rows and self.num_folds is None:
            train = rows["train"]
            groups = None if self.group is None else group_ids([row.group for row in train])
            strata = self.labels.strata([row.label for row in train])
            parts = held_out_split(strata, groups, self.test_fraction, seed=0)
            rows |= {"train": [train[index] for index in parts[0]], "test": [train[index] for index in parts[1]]}
        return rows

    def _by_column(self, read: dict[Split, list[LabelledText]]) -> dict[Split, list[LabelledText]]:
        """Divide the rows of a single file by its column `split`, if it has one."""
        rows = [(split, row) for split, texts in read.items() for row in texts]
        if not any(row.split for _, row in rows):
            return read
        if len(read) > 1:
            if wrong := next((row for split, row in rows if row.split not in (None, split)), None):
                others = ", ".join(f"data.{split}" for split in read if split != "train")
                raise DataError(f"rows with split {wrong.split!r} are in the file of another split: remove {others}")
            return read
        parts = {split: [row for _, row in rows if row.split == split] for split in SPLITS}
        if not parts["train"]:
            raise DataError(f"{self.files['train']} has no row with the split train")
        return {split: texts for split, texts in parts.items() if texts}

    def load_texts(self, split: Split) -> tuple[list[str], list[str]]:
        rows = self.table_rows[split]
        return [row.text for row in rows], [row.label for row in rows]

    def groups_of(self, split: Split) -> list[str] | None:
        return None if self.group is None else [row.group for row in self.table_rows[split]]

    def sources(self, split: Split) -> list[str]:
        return [row.text for row in self.table_rows[split]]

    def count_samples(self) -> Account:
        how = {split: path.name for split, path in self.files.items()}
        is_official = {row.split for row in self.table_rows.get("test", [])} == {"test"}
        if "test" not in how and "test" in self.table_rows:
            how["test"] = "column split" if is_official else held_out_for_test(self.test_fraction)
        if "validation" in self.table_rows:
            how.setdefault("validation", "column split")
        num_samples = {split: len(self.table_rows[split]) for split in SPLITS if split in self.table_rows}
        account = Account(self.files["train"].parent, num_samples, how)
        for path in sorted(self.files["train"].parent.glob(f"*{self.files['train'].suffix}")):
            if (split := split_in(path.stem)) and split not in self.files:
                account.notes.append(f"{path.name} is not used; if it is the {split} split: data.{split}={path}")
        return account

    def _read(self, split: Split, path: Path) -> list[LabelledText]:
        if not path.is_file():
            raise DataError(f"there is no file {path.absolute()}: set data.{split} to your file")
        rows = self.table.read(path)
        return [row._replace(label=self._name(row.label, path)) for row in rows] if self.names else rows

    def _name(self, label: str, path: Path) -> str:
        if label not in self.names:
            raise DataError(f"{path} has the label {label!r}, which is not in data.names: {self.names}")
        return self.names[label]

    def read_texts(self, inputs: list[Path]) -> Iterator[tuple[str, str]]:
        """Texts of tables in the format of the training file, without labels; or the lines of .txt files."""
        own = {path.suffix.lower() for path in self.files.values()}
        for path in expand_inputs(inputs, {".txt", *SUFFIXES, *own}):
            if path.suffix.lower() == ".txt" and not self._is_table(path):
                yield from self._lines(path)
            else:
                yield from ((f"{path}:{number}", text) for number, text in self.table.texts(path))

    def _is_table(self, path: Path) -> bool:
        """Whether a .txt file has lines that match the pattern, rather than plain texts."""
        pattern = self.table.pattern
        return bool(pattern) and any(re.search(pattern, line) for _, line in read_lines(path, self.encoding))
