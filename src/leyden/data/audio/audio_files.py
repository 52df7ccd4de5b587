from typing import Literal

from ..classes import class_numbers
from ..decode import decoded
from ..files import FileIndex
from ..rows import FileRows, Rows
from .audio_data import SUFFIXES, AudioData


class AudioFiles(AudioData):
    """The user's own wav, flac and ogg files, laid out as `FileIndex` says.

    Args:
        root: the folder.
        label, test, test_fraction, manifest: see `FileIndex`.
        **audio: arguments of `AudioData`.
    """

    def __init__(
        self,
        root: str,
        label: str | None = None,
        test: str | None = None,
        test_fraction: float = 0.2,
        manifest: str | None = None,
        **audio,
    ) -> None:
        super().__init__(**audio)
        self.index = FileIndex(root, SUFFIXES, label, test, test_fraction, manifest)

    def load(self, split: Literal["train", "test"]) -> Rows:
        files = self.index.split(split)
        labels = [file.label for file in files]
        if split == "train":
            self.class_names = sorted(set(labels))
        targets = class_numbers(labels, self.class_names, split)
        paths = [file.path for file in files]
        rows = FileRows(paths, targets, self.decode, ragged=True, on_corrupt=self.on_corrupt)
        return decoded(rows, self.memory_gb)
