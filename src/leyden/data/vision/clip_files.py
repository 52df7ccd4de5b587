from ..files.labelled_files import LabelledFiles
from .video_data import VideoData


class ClipFiles(LabelledFiles, VideoData):
    """Your own video files; see `LabelledFiles` and `VideoData`.

    `on_corrupt` also applies to files with fewer than `num_frames` frames.
    """
