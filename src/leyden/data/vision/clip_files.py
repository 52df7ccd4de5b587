from typing import Literal

from ..classes import class_numbers
from ..files import FileIndex
from ..kept import kept_in_memory
from ..rows import FileRows, Rows
from .clip import CLIP_SUFFIXES
from .video_data import VideoData


class ClipFiles(VideoData):
    """The user's own video files, laid out as `FileIndex` says; decoded once where memory allows.

    Args:
        root: the folder.
        label, test, test_fraction, manifest: see `FileIndex`.
        memory: GiB up to which decoded files are kept; beyond, they are decoded whenever they are needed.
        **video: arguments of `VideoData`. `on_corrupt` is also about files with fewer than `num_frames` frames.
    """

    def __init__(
        self,
        root: str,
        label: str | None = None,
        test: str | None = None,
        test_fraction: float = 0.2,
        manifest: str | None = None,
        memory: float = 4.0,
        **video,
    ) -> None:
        super().__init__(**video)
        self.index = FileIndex(root, CLIP_SUFFIXES, label, test, test_fraction, manifest)
        self.memory = memory

    def load(self, split: Literal["train", "test"]) -> Rows:
        files = self.index.split(split)
        labels = [file.label for file in files]
        if split == "train":
            self.class_names = sorted(set(labels))
        targets = class_numbers(labels, self.class_names, split)
        paths = [file.path for file in files]
        return kept_in_memory(FileRows(paths, targets, self.decode, on_corrupt=self.on_corrupt), self.memory)
