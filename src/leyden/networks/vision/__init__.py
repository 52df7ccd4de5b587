from .convnet import ConvNet
from .resnet import ResNet
from .torchvision_classifier import torchvision_classifier

__all__ = ["ConvNet", "ResNet", "torchvision_classifier"]
