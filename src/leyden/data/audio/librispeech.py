from pathlib import Path

from torchaudio.datasets import LIBRISPEECH

from ..core.error import DataError
from ..core.split_names import SPLITS, Split
from .speech_files import TranscribedFiles, Utterance

FOLDER = "LibriSpeech"  # root folder of the archives


class LibriSpeech(TranscribedFiles):
    """LibriSpeech: read English audiobooks at 16 kHz, downloaded by torchaudio. The splits share no speaker.

    Source: V. Panayotov et al., LibriSpeech: An ASR Corpus Based on Public Domain Audio Books, 2015,
    https://doi.org/10.1109/ICASSP.2015.7178964.

    Args:
        root: folder of the files.
        train, validation, test: subsets, such as `train-clean-100` (28,539 utterances, 6.3 GB), `dev-clean` and
            `test-clean` (0.3 GB each).
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
                raise DataError(f"cannot download {subset} to {self.root}: {error}") from error

    def official_splits(self) -> tuple[Split, ...]:
        return SPLITS

    def utterances(self, split: Split) -> list[Utterance]:
        try:
            utterances = LIBRISPEECH(self.root, self.subsets[split], folder_in_archive=FOLDER)
            # Indexing the dataset needs torchcodec and FFmpeg; the metadata suffices.
            metadata = [utterances.get_metadata(index) for index in range(len(utterances))]
        except (OSError, RuntimeError, ValueError) as error:
            raise DataError(f"{self.subsets[split]} in {self.root} is incomplete: {error}") from error
        return [Utterance(Path(self.root) / FOLDER / item[0], item[2]) for item in metadata]
