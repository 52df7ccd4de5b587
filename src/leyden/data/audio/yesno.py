from pathlib import Path

from torchaudio.datasets import YESNO

from ..core.error import DataError
from ..core.split_names import Split
from .speech_files import TranscribedFiles, Utterance

FOLDER = "waves_yesno"  # root folder of the archive


class YesNo(TranscribedFiles):
    """YesNo: one speaker saying "yes" or "no" in Hebrew eight times, 60 utterances at 8 kHz, downloaded by torchaudio.

    The transcripts are the file names. There is no official split: every fifth file, by name, is for testing.

    Source: OpenSLR 1, https://www.openslr.org/1.

    Args:
        root: folder of the files.
        **files: arguments of `TranscribedFiles`.
    """

    def __init__(self, root: str = "data", **files) -> None:
        super().__init__(**files)
        self.root = root

    def download_files(self) -> None:
        Path(self.root).mkdir(parents=True, exist_ok=True)
        try:
            YESNO(self.root, download=True)
        except (OSError, RuntimeError) as error:
            raise DataError(f"cannot download YESNO to {self.root}: {error}") from error

    def utterances(self, split: Split) -> list[Utterance]:
        try:
            YESNO(self.root, folder_in_archive=FOLDER)
        except RuntimeError as error:
            raise DataError(f"YESNO in {self.root} is incomplete: {error}") from error
        # Indexing the dataset needs torchcodec and FFmpeg; the file names suffice.
        folder = Path(self.root) / FOLDER
        utterances = [
            Utterance(path, path.stem.translate({ord("_"): " ", ord("0"): "no", ord("1"): "yes"}))
            for path in sorted(folder.glob("*.wav"), key=lambda path: path.stem)
        ]
        return [item for number, item in enumerate(utterances, start=1) if (number % 5 == 0) == (split == "test")]
