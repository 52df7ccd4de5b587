from collections.abc import Sequence
from typing import Literal

from ..classes import Labels
from ..decode import decoded
from ..files import FileIndex
from ..rows import FileRows, Rows
from .audio_data import SUFFIXES, AudioData


class AudioFiles(AudioData):
    """The user's own wav, flac and ogg files, laid out as `FileIndex` says.

    Args:
        root: the folder.
        label, test, test_fraction, manifest, only: see `FileIndex`.
        classes, label_separator: see `Labels`.
        **audio: arguments of `AudioData`.
    """

    def __init__(
        self,
        root: str,
        label: str | None = None,
        test: str | None = None,
        test_fraction: float = 0.2,
        manifest: str | None = None,
        only: str | None = None,
        classes: Sequence[str] | None = None,
        label_separator: str | None = None,
        **audio,
    ) -> None:
        super().__init__(**audio)
        self.labels = Labels(classes, label_separator)
        self.index = FileIndex(root, SUFFIXES, label, test, test_fraction, manifest, only, self.labels)

    def load(self, split: Literal["train", "test"]) -> Rows:
        files = self.index.split(split)
        labels = [file.label for file in files]
        if split == "train":
            test_labels = [file.label for file in self.index.split("test")]
            self.class_names = self.labels.class_names(labels, test_labels)
        targets = self.labels.targets(labels, self.class_names, split)
        paths = [file.path for file in files]
        rows = FileRows(paths, targets, self.decode, ragged=True, on_corrupt=self.on_corrupt, measure=self.measure)
        return decoded(rows, self.memory_gb)
