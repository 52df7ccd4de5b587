from .convnet import ConvNet
from .resnet import ResNet
from .unet import UNet

__all__ = ["ConvNet", "ResNet", "UNet"]
