import pytest
import torch

from leyden.data import Batch, DataError
from leyden.data.vision.image_data import ImageTransform


@pytest.mark.parametrize("images", [torch.rand(2, 1, 8, 8), torch.zeros(2, 8, 8, dtype=torch.uint8)])
def test_what_are_no_bytes_of_images_is_refused(images):
    transform = ImageTransform(1, 0.5, 0.5, [])
    with pytest.raises(DataError, match="expected images as uint8"):
        transform(Batch(images, torch.zeros(2)))
