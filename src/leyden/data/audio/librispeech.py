from pathlib import Path

from torchaudio.datasets import LIBRISPEECH

from ..core.error import DataError
from ..core.split_names import SPLITS, Split
from .speech_files import TranscribedFiles, Utterance

FOLDER = "LibriSpeech"  # the only one in the archives


class LibriSpeech(TranscribedFiles):
    """Read English books at 16 kHz, downloaded and checked by torchaudio; the official subsets share no speaker.

    Source: V. Panayotov et al., LibriSpeech: An ASR Corpus Based on Public Domain Audio Books, 2015,
    https://doi.org/10.1109/ICASSP.2015.7178964.

    Args:
        root: folder for the files.
        train, validation, test: names of the subsets, such as `train-clean-100` (28,539 utterances, 6.3 GB),
            `dev-clean` and `test-clean` (0.3 GB each).
        **files: arguments of `TranscribedFiles`.
    """

    def __init__(
        self,
        root: str = "data",
        train: str = "train-clean-100",
        validation: str = "dev-clean",
        test: str = "test-clean",
        **files,
    ) -> None:
        super().__init__(**files)
        self.root, self.subsets = root, {"train": train, "validation": validation, "test": test}

    def download_files(self) -> None:
        Path(self.root).mkdir(parents=True, exist_ok=True)
        for subset in self.subsets.values():
            try:
                LIBRISPEECH(self.root, subset, download=True)
            except (OSError, RuntimeError, ValueError) as error:
                raise DataError(f"cannot get {subset} into {self.root}: {error}") from error

    def official_splits(self) -> tuple[Split, ...]:
        return SPLITS

    def utterances(self, split: Split) -> list[Utterance]:
        try:
            recordings = LIBRISPEECH(self.root, self.subsets[split], folder_in_archive=FOLDER)
            # torchaudio's own items need torchcodec and FFmpeg; the paths are enough.
            found = [recordings.get_metadata(number) for number in range(len(recordings))]
        except (OSError, RuntimeError, ValueError) as error:
            raise DataError(f"{self.subsets[split]} in {self.root} is not complete: {error}") from error
        return [Utterance(Path(self.root) / FOLDER / item[0], item[2]) for item in found]
