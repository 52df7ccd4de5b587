import csv
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import torch

from ..decode import decoded
from ..error import DataError
from ..rows import Rows
from ..split import stratified_split
from .speech_data import SpeechData

Split = Literal["train", "validation", "test"]


class Utterance(NamedTuple):
    path: Path
    text: str


class TranscribedFiles(SpeechData):
    """Base of speech in files: a corpus implements `utterances`."""

    def utterances(self, split: Split) -> list[Utterance]:
        """All recordings of a split with their transcripts.

        Where there are none for validation, it gets `validation_fraction` of the training ones.
        """
        raise NotImplementedError

    def load(self, split: Split) -> Rows:
        found = self.utterances(split)
        targets = self.transcripts([one.text for one in found], split)
        return decoded(self.file_rows([one.path for one in found], targets, self.on_corrupt), self.residence)

    def setup(self, stage: str) -> None:
        is_needed = stage in ("fit", "validate") and "train" not in self.rows
        if is_needed and self.utterances("train") and self.utterances("validation"):
            training = self.load("train")  # first: it tells the alphabet
            self.rows |= {"train": training, "validation": self.load("validation")}
        super().setup(stage)


class SpeechFiles(TranscribedFiles):
    """The user's own wav, flac and ogg files, listed with their transcripts in a CSV.

    Args:
        root: the folder.
        manifest: CSV below `root` with the columns `path` (below `root`), `text` and, by choice, `split` (train,
            validation or test).
        test_fraction: share of the rows to test on, chosen with seed 0, where there is no column `split`.
        **files: arguments of `TranscribedFiles`.

    Raises:
        DataError: the manifest or a file in it is missing, or a split has another name.
    """

    paths: ClassVar[tuple[str, ...]] = ("root/", "root/manifest")

    def __init__(self, root: str, manifest: str = "manifest.csv", test_fraction: float = 0.2, **files) -> None:
        if not 0 < test_fraction < 1:
            raise ValueError(f"test_fraction is {test_fraction}; it must be between 0 and 1")
        super().__init__(**files)
        self.root, self.manifest, self.test_fraction = Path(root).expanduser(), manifest, test_fraction

    def utterances(self, split: Split) -> list[Utterance]:
        rows = self._read_manifest()
        found = [Utterance(self.root / row["path"], row["text"]) for row in rows]
        if "split" in rows[0]:
            return [one for one, row in zip(found, rows, strict=True) if row["split"] == split]
        if split == "validation":
            return []
        train, test = stratified_split(torch.zeros(len(found)), self.test_fraction, seed=0)
        return [found[i] for i in (test if split == "test" else train)]

    def _read_manifest(self) -> list[dict[str, str]]:
        manifest = self.root / self.manifest
        if not manifest.is_file():
            raise DataError(f"there is no manifest {manifest.absolute()} (data.manifest, below data.root)")
        with manifest.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
        if not rows or not {"path", "text"} <= rows[0].keys():
            raise DataError(
                f"{manifest} needs the columns path and text; it has {list(rows[0]) if rows else 'no rows'}"
            )
        for number, row in enumerate(rows, start=2):
            if row["text"] is None or None in row:
                raise DataError(f"{manifest}: row {number} has not the columns {list(rows[0])}; a comma needs quotes")
            if not (self.root / row["path"]).is_file():
                raise DataError(f"{manifest}: row {number}: there is no file {self.root / row['path']}")
            if row.get("split", "train") not in ("train", "validation", "test"):
                raise DataError(f"{manifest}: row {number}: split is {row['split']!r}, not train, validation or test")
        return rows
