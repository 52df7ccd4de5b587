from pathlib import Path

from torchaudio.datasets import SPEECHCOMMANDS

from ..core.classes import class_indices
from ..core.error import DataError
from ..core.samples import Samples
from ..core.split_names import SPLITS, Split
from ..storage.decode import decoded
from .audio_data import AudioData

FOLDER = "SpeechCommands"  # as in torchaudio


class SpeechCommands(AudioData):
    """Speech Commands: one-second clips of single words by many speakers, downloaded by torchaudio.

    The three official splits share no speaker; `validation_fraction` is not used.

    Source: P. Warden, Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition, 2018,
    https://arxiv.org/abs/1804.03209.

    Args:
        root: folder of the files.
        url: `speech_commands_v0.02` (35 words, 105,829 clips, 2.3 GB), `speech_commands_v0.01` (30 words), or the URL of
            another archive of this format.
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
            raise DataError(f"cannot download {self.url} to {self.root}: {error}") from error

    def official_splits(self) -> tuple[Split, ...]:
        return SPLITS

    def load(self, split: Split) -> Samples:
        subset = {"train": "training", "validation": "validation", "test": "testing"}[split]
        try:
            clips = SPEECHCOMMANDS(self.root, self.url, folder_in_archive=FOLDER, subset=subset)
        except (OSError, RuntimeError) as error:
            raise DataError(f"Speech Commands in {self.root} is incomplete: {error}") from error
        # Indexing the dataset needs torchcodec and FFmpeg; the metadata suffices.
        metadata = [clips.get_metadata(index) for index in range(len(clips))]
        paths, labels = [Path(self.root) / FOLDER / item[0] for item in metadata], [item[2] for item in metadata]
        if split == "train":
            self.class_names = sorted(set(labels))
        targets = class_indices(labels, self.class_names, split)
        return decoded(self.file_samples(paths, targets, self.on_corrupt), self.storage)
