from ..labelled_files import LabelledFiles
from .image_data import ImageData


class ImageFiles(LabelledFiles, ImageData):
    """The user's own pictures, one a file; see `LabelledFiles` and `ImageData`."""
