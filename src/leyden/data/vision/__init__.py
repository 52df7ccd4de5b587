from .augment import RandomAffine
from .box_augment import RandomBoxAffine
from .clip_files import ClipFiles
from .detection_files import DetectionFiles
from .digits import Digits
from .digits_detection import DigitsDetection
from .digits_segmentation import DigitsSegmentation
from .digits_video import DigitsVideo
from .image_data import ImageData
from .image_files import ImageFiles
from .mask_files import MaskFiles
from .torchvision_images import TorchvisionImages
from .warp import RandomCrop, RandomElastic

__all__ = [
    "ClipFiles",
    "DetectionFiles",
    "Digits",
    "DigitsDetection",
    "DigitsSegmentation",
    "DigitsVideo",
    "ImageData",
    "ImageFiles",
    "MaskFiles",
    "RandomAffine",
    "RandomBoxAffine",
    "RandomCrop",
    "RandomElastic",
    "TorchvisionImages",
]
