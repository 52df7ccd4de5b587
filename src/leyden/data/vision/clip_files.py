from collections.abc import Sequence
from typing import Literal

from ..classes import Labels
from ..decode import decoded
from ..files import FileIndex
from ..rows import FileRows, Rows
from .clip import CLIP_SUFFIXES
from .video_data import VideoData


class ClipFiles(VideoData):
    """The user's own video files, laid out as `FileIndex` says; decoded once where memory allows.

    Args:
        root: the folder.
        label, test, test_fraction, manifest, only: see `FileIndex`.
        classes, label_separator: see `Labels`.
        **video: arguments of `VideoData`. `on_corrupt` is also about files with fewer than `num_frames` frames.
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
        **video,
    ) -> None:
        super().__init__(**video)
        self.labels = Labels(classes, label_separator)
        self.index = FileIndex(root, CLIP_SUFFIXES, label, test, test_fraction, manifest, only, self.labels)

    def load(self, split: Literal["train", "test"]) -> Rows:
        files = self.index.split(split)
        labels = [file.label for file in files]
        if split == "train":
            test_labels = [file.label for file in self.index.split("test")]
            self.class_names = self.labels.class_names(labels, test_labels)
        targets = self.labels.targets(labels, self.class_names, split)
        rows = FileRows([file.path for file in files], targets, self.decode, on_corrupt=self.on_corrupt)
        return decoded(rows, self.memory_gb)
