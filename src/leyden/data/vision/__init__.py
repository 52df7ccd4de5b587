from .augment import RandomAffine
from .digits import Digits
from .image_files import ImageFiles
from .torchvision_images import TorchvisionImages

__all__ = ["Digits", "ImageFiles", "RandomAffine", "TorchvisionImages"]
