from .convnet import ConvNet
from .resnet import ResNet
from .small_fcos import SmallFCOS

__all__ = ["ConvNet", "ResNet", "SmallFCOS"]
