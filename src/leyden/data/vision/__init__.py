from .augment import RandomAffine
from .digits import Digits
from .digits_segmentation import DigitsSegmentation
from .image_files import ImageFiles
from .mask_files import MaskFiles
from .torchvision_images import TorchvisionImages
from .warp import RandomCrop, RandomElastic

__all__ = [
    "Digits",
    "DigitsSegmentation",
    "ImageFiles",
    "MaskFiles",
    "RandomAffine",
    "RandomCrop",
    "RandomElastic",
    "TorchvisionImages",
]
