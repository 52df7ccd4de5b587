from .augment import RandomAffine
from .clip_files import ClipFiles
from .digits import Digits
from .digits_segmentation import DigitsSegmentation
from .digits_video import DigitsVideo
from .image_files import ImageFiles
from .mask_files import MaskFiles
from .torchvision_images import TorchvisionImages
from .warp import RandomCrop, RandomElastic

__all__ = [
    "ClipFiles",
    "Digits",
    "DigitsSegmentation",
    "DigitsVideo",
    "ImageFiles",
    "MaskFiles",
    "RandomAffine",
    "RandomCrop",
    "RandomElastic",
    "TorchvisionImages",
]
