from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch

from ..core.account import Account, held_out_for_test
from ..core.groups import group_ids, held_out_split
from ..core.samples import Samples
from ..core.split_names import SPLITS, Split
from ..files.manifest import Entry, Manifest
from ..storage.decode import decoded
from .speech_data import SpeechData


class Utterance(NamedTuple):
    path: Path
    text: str
    group: str = ""  # the speaker or another source that splits keep together


class TranscribedFiles(SpeechData):
    """Base of speech in files: a corpus implements `utterances` and, where there is validation, `official_splits`."""

    def utterances(self, split: Split) -> list[Utterance]:
        """All recordings of an official split with their transcripts."""
        raise NotImplementedError

    def load(self, split: Split) -> Samples:
        found = self.utterances(split)
        targets = self.transcripts([one.text for one in found], split)
        files = self.file_samples([one.path for one in found], targets, self.on_corrupt)
        if any(one.group for one in found):
            files.groups = group_ids([one.group for one in found])
        return decoded(files, self.storage)


class SpeechFiles(TranscribedFiles):
    """Your own wav, flac and ogg files, listed with their transcripts in a CSV, TSV or JSONL.

    Args:
        root: the folder.
        manifest: below `root`, with the columns `path` (below `root`), `text` and, optionally, `split`; see `Manifest`.
        test_fraction: share of the samples to test on, chosen with seed 0, where there is no column `split`.
        group: column, or regular expression on the path below `root` whose first group names the speaker; what is
            held out are all recordings of some speakers.
        encoding: of the manifest.
        allow_outside: whether the manifest may list files outside `root`.
        delimiter: between the cells of the manifest; by default a comma, or as its ending has it. Other delimiters than
            a comma or a semicolon know no quotes.
        columns: names of the columns of a manifest without a header.
        path: of a recording below `root`, where `*` stands for the cell of the column `path`, as in `wavs/*.wav`.
        **files: arguments of `TranscribedFiles`.

    Raises:
        DataError: the manifest or a file in it is missing, or a split has another name.
    """

    paths: ClassVar[tuple[str, ...]] = ("root/", "root/manifest")

    def __init__(
        self,
        root: str,
        manifest: str = "manifest.csv",
        test_fraction: float = 0.2,
        group: str | None = None,
        encoding: str = "utf-8",
        allow_outside: bool = False,
        delimiter: str | None = None,
        columns: Sequence[str] | None = None,
        path: str = "*",
        **files,
    ) -> None:
        if delimiter is not None and len(delimiter) != 1:
            raise ValueError(f"delimiter is {delimiter!r}; one character is expected")
        if columns is not None and not ("path" in columns and "text" in columns):
            raise ValueError(f"columns is {columns}; two of them must be called path and text")
        if path.count("*") != 1:
            raise ValueError(f"path is {path!r}; one * in it must stand for the cell, as in 'wavs/*.wav'")
        if not 0 < test_fraction < 1:
            raise ValueError(f"test_fraction is {test_fraction}; it must be between 0 and 1")
        super().__init__(**files)
        self.root, self.test_fraction, self.group = Path(root).expanduser(), test_fraction, group
        self.manifest = Manifest(
            self.root, manifest, ("text",), ("text",), encoding, allow_outside, columns, delimiter, path
        )
        self.manifest.how_to_delimit = "set data.delimiter, and data.columns where there is no header"

    @property
    def how_to_test(self) -> str:
        return self.manifest.how_to_test

    def official_splits(self) -> tuple[Split, ...]:
        return tuple(self.utterances_of)

    @cached_property
    def entries(self) -> list[Entry]:
        return self.manifest.read()

    @cached_property
    def utterances_of(self) -> dict[Split, list[Utterance]]:
        """The recordings of each split that there is."""
        entries = self.entries
        groups = self.manifest.groups(entries, self.group)
        found: dict[Split, list[Utterance]] = {split: [] for split in SPLITS}
        for (path, cells, split), group in zip(entries, groups, strict=True):
            found[split or "train"].append(Utterance(path, cells["text"], group))
        if entries[0].split is None:
            train = found["train"]
            ids = group_ids(groups) if self.group else None
            parts = held_out_split(torch.zeros(len(train)), ids, self.test_fraction, seed=0)
            found |= {"train": [train[number] for number in parts[0]], "test": [train[number] for number in parts[1]]}
        return {split: ones for split, ones in found.items() if ones}

    def utterances(self, split: Split) -> list[Utterance]:
        return self.utterances_of[split]

    def sources(self, split: Split) -> list[Path]:
        return [one.path for one in self.utterances_of[split]]

    def count_samples(self) -> Account:
        taken = {split: len(found) for split, found in self.utterances_of.items()}
        is_official = self.entries[0].split is not None
        how = dict.fromkeys(taken, "column split") if is_official else {"test": held_out_for_test(self.test_fraction)}
        return Account(self.manifest.file, taken, how, self.manifest.unlisted(self.entries, self.suffixes))
