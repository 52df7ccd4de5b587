from .convnet import ConvNet
from .r2plus1d import R2Plus1D
from .resnet import ResNet
from .small_fcos import SmallFCOS
from .torchvision_classifier import torchvision_classifier
from .unet import UNet

__all__ = [
    "ConvNet",
    "R2Plus1D",
    "ResNet",
    "SmallFCOS",
    "UNet",
    "torchvision_classifier",
]
