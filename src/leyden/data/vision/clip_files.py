from ..files.labelled_files import LabelledFiles
from .video_data import VideoData


class ClipFiles(LabelledFiles, VideoData):
    """User video files; see `LabelledFiles` and `VideoData`.

    `on_corrupt` is also about files with fewer than `num_frames` frames.
    """
