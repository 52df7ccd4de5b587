from torch import nn


def conv_block(in_channels: int, out_channels: int) -> nn.Sequential:
    """Two 3 x 3 convolutions with batch normalisation and ReLU.

    Shape: (batch, in_channels, height, width) -> (batch, out_channels, height, width).
    """

    def convolution(channels: int) -> list[nn.Module]:
        layer = nn.Conv2d(channels, out_channels, kernel_size=3, padding=1, bias=False)
        return [layer, nn.BatchNorm2d(out_channels), nn.ReLU()]

    return nn.Sequential(*convolution(in_channels), *convolution(out_channels))
