from pathlib import Path

from torchaudio.datasets import YESNO

from ..core.error import DataError
from ..core.split_names import Split
from .speech_files import TranscribedFiles, Utterance

FOLDER = "waves_yesno"  # the only one in the archive


class YesNo(TranscribedFiles):
    """One speaker says "yes" or "no" eight times, in Hebrew: 60 recordings at 8 kHz, downloaded and checked by torchaudio.

    The names of the files tell what is said. There is no official split: in the order of their names, every fifth file,
    from the fifth on, is for the test.

    Source: OpenSLR 1, https://www.openslr.org/1.

    Args:
        root: folder for the files.
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
            raise DataError(f"cannot get YESNO into {self.root}: {error}") from error

    def utterances(self, split: Split) -> list[Utterance]:
        try:
            YESNO(self.root, folder_in_archive=FOLDER)
        except RuntimeError as error:
            raise DataError(f"YESNO in {self.root} is not complete: {error}") from error
        # torchaudio's own items need torchcodec and FFmpeg; the names are enough.
        folder = Path(self.root) / FOLDER
        found = [
            Utterance(path, path.stem.translate({ord("_"): " ", ord("0"): "no", ord("1"): "yes"}))
            for path in sorted(folder.glob("*.wav"), key=lambda path: path.stem)
        ]
        return [one for number, one in enumerate(found, start=1) if (number % 5 == 0) == (split == "test")]
