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
    group: str = ""  # the speaker or another group that splits keep together


class TranscribedFiles(SpeechData):
    """Base class of transcribed audio files: implement `utterances` and, for a validation split, `official_splits`."""

    def utterances(self, split: Split) -> list[Utterance]:
        """All utterances of an official split."""
        raise NotImplementedError

    def load(self, split: Split) -> Samples:
        utterances = self.utterances(split)
        targets = self.transcripts([utterance.text for utterance in utterances], split)
        files = self.file_samples([utterance.path for utterance in utterances], targets, self.on_corrupt)
        if any(utterance.group for utterance in utterances):
            files.groups = group_ids([utterance.group for utterance in utterances])
        return decoded(files, self.storage)


class SpeechFiles(TranscribedFiles):
    """Your own wav, flac and ogg files, listed with their transcripts in a CSV, TSV or JSONL manifest.

    Args:
        root: the folder.
        manifest: file below `root` with the columns `path` (below `root`), `text` and, optionally, `split`; see
            `Manifest`.
        test_fraction: share of the samples held out for testing, with seed 0, if there is no column `split`.
        group: column, or regular expression on the path below `root` whose first group is the speaker; held-out splits
            consist of whole groups.
        encoding: encoding of the manifest.
        allow_outside: whether the manifest may list files outside `root`.
        delimiter: character between two cells of the manifest; by default chosen by its suffix. Quoting is only
            supported with a comma or a semicolon.
        columns: column names of a manifest without a header.
        path: template of the path below `root`, in which `*` is replaced by the cell of the column `path`, such as
            `wavs/*.wav`.
        **files: arguments of `TranscribedFiles`.

    Raises:
        DataError: the manifest or a listed file is missing, or a split is unknown.
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
            raise ValueError(f"delimiter is {delimiter!r}; expected one character")
        if columns is not None and not ("path" in columns and "text" in columns):
            raise ValueError(f"columns is {columns}; expected path and text among them")
        if path.count("*") != 1:
            raise ValueError(f"path is {path!r}; expected exactly one * for the cell, as in 'wavs/*.wav'")
        if not 0 < test_fraction < 1:
            raise ValueError(f"test_fraction is {test_fraction}; it must be strictly between 0 and 1")
        super().__init__(**files)
        self.root, self.test_fraction, self.group = Path(root).expanduser(), test_fraction, group
        self.manifest = Manifest(
            self.root, manifest, ("text",), ("text",), encoding, allow_outside, columns, delimiter, path
        )
        self.manifest.how_to_delimit = "set data.delimiter, and data.columns if there is no header"

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
        """The utterances of each existing split."""
        entries = self.entries
        groups = self.manifest.groups(entries, self.group)
        utterances: dict[Split, list[Utterance]] = {split: [] for split in SPLITS}
        for (path, cells, split), group in zip(entries, groups, strict=True):
            utterances[split or "train"].append(Utterance(path, cells["text"], group))
        if entries[0].split is None and self.num_folds is None:
            train = utterances["train"]
            ids = group_ids(groups) if self.group else None
            parts = held_out_split(torch.zeros(len(train)), ids, self.test_fraction, seed=0)
            utterances |= {"train": [train[index] for index in parts[0]], "test": [train[index] for index in parts[1]]}
        return {split: items for split, items in utterances.items() if items}

    def utterances(self, split: Split) -> list[Utterance]:
        return self.utterances_of[split]

    def sources(self, split: Split) -> list[Path]:
        return [utterance.path for utterance in self.utterances_of[split]]

    def count_samples(self) -> Account:
        num_samples = {split: len(utterances) for split, utterances in self.utterances_of.items()}
        is_official = self.entries[0].split is not None
        how = (
            dict.fromkeys(num_samples, "column split")
            if is_official
            else {"test": held_out_for_test(self.test_fraction)}
        )
        return Account(self.manifest.file, num_samples, how, self.manifest.unlisted(self.entries, self.suffixes))
