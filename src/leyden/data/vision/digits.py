from collections.abc import Sequence

from ..core.samples import TensorSamples
from ..core.split_names import Split
from .digit_canvases import digit_images
from .image_data import ImageData


class Digits(ImageData):
    """1,797 real handwritten digits of 8 x 8 grey pixels, included in scikit-learn; see `digit_images`.

    Args:
        image_size: size to which your files are resized.
        **image: arguments of `ImageData`.
    """

    is_embedded = True
    origin = "from package scikit-learn"

    def __init__(self, image_size: int | Sequence[int] = 8, **image) -> None:
        super().__init__(image_size=image_size, **image)

    def load(self, split: Split) -> TensorSamples:
        images, targets, self.class_names = digit_images(split)
        return TensorSamples(images, targets)
