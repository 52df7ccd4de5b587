from .convnet import ConvNet
from .resnet import ResNet

__all__ = ["ConvNet", "ResNet"]
