from .augment import RandomAffine
from .box_augment import RandomBoxAffine
from .detection_files import DetectionFiles
from .digits import Digits
from .digits_detection import DigitsDetection
from .image_files import ImageFiles
from .torchvision_images import TorchvisionImages

__all__ = [
    "DetectionFiles",
    "Digits",
    "DigitsDetection",
    "ImageFiles",
    "RandomAffine",
    "RandomBoxAffine",
    "TorchvisionImages",
]
