from collections.abc import Sequence

from ..core.samples import TensorSamples
from ..core.split_names import Split
from .digit_canvases import CANVAS, digit_canvases
from .segmentation_data import SegmentationData


class DigitsSegmentation(SegmentationData):
    """Segmentation of real handwritten digits, one to four on each canvas of noise; see `digit_canvases`.

    Args:
        num_train, num_test: number of canvases of each split.
        image_size: size to which your files are resized.
        **image: arguments of `SegmentationData`.
    """

    is_embedded = True
    origin = "computed at each start, from the digits of package scikit-learn"

    def __init__(
        self, num_train: int = 700, num_test: int = 300, image_size: int | Sequence[int] = CANVAS, **image
    ) -> None:
        if num_train < 2 or num_test < 1:
            raise ValueError(f"num_train={num_train}, num_test={num_test}: expected at least 2 and 1")
        super().__init__(image_size=image_size, **image)
        self.num_samples = {"train": num_train, "test": num_test}

    def load(self, split: Split) -> TensorSamples:
        canvases = digit_canvases(split, self.num_samples[split])
        self.class_names = ["background", *map(str, range(10))]
        return TensorSamples(canvases.images, canvases.masks)
