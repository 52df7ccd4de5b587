from pathlib import Path

from torchaudio.datasets import SPEECHCOMMANDS

from ..core.classes import class_numbers
from ..core.error import DataError
from ..core.samples import Samples
from ..core.split_names import SPLITS, Split
from ..storage.decode import decoded
from .audio_data import AudioData

FOLDER = "SpeechCommands"  # for the archive's files, as torchaudio names it


class SpeechCommands(AudioData):
    """One-second recordings of single words by many speakers, downloaded and checked by torchaudio.

    The official lists tell the three splits, which share no speaker, so `validation_fraction` is not used.

    Source: P. Warden, Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition, 2018,
    https://arxiv.org/abs/1804.03209.

    Args:
        root: folder for the files.
        url: `speech_commands_v0.02` (35 words, 105,829 recordings, 2.3 GB), `speech_commands_v0.01` (30 words), or
            the address of another such archive.
        **audio: arguments of `AudioData`.
    """

    def __init__(self, root: str = "data", url: str = "speech_commands_v0.02", **audio) -> None:
        super().__init__(**audio)
        self.root, self.url = root, url

    def download_files(self) -> None:
        Path(self.root).mkdir(parents=True, exist_ok=True)
        try:
            SPEECHCOMMANDS(self.root, self.url, folder_in_archive=FOLDER, download=True)
        except (OSError, RuntimeError) as error:
            raise DataError(f"cannot get {self.url} into {self.root}: {error}") from error

    def official_splits(self) -> tuple[Split, ...]:
        return SPLITS

    def load(self, split: Split) -> Samples:
        subset = {"train": "training", "validation": "validation", "test": "testing"}[split]
        try:
            recordings = SPEECHCOMMANDS(self.root, self.url, folder_in_archive=FOLDER, subset=subset)
        except (OSError, RuntimeError) as error:
            raise DataError(f"Speech Commands in {self.root} is not complete: {error}") from error
        # torchaudio's own items need torchcodec and FFmpeg; the paths are enough.
        found = [recordings.get_metadata(number) for number in range(len(recordings))]
        paths, labels = [Path(self.root) / FOLDER / item[0] for item in found], [item[2] for item in found]
        if split == "train":
            self.class_names = sorted(set(labels))
        targets = class_numbers(labels, self.class_names, split)
        return decoded(self.file_samples(paths, targets, self.on_corrupt), self.storage)
