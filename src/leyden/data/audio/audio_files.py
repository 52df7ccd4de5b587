from ..files.labelled_files import LabelledFiles
from .audio_data import AudioData


class AudioFiles(LabelledFiles, AudioData):
    """Your own wav, flac and ogg files; see `LabelledFiles` and `AudioData`."""
