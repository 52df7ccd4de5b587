from torch import nn


class ConvNet(nn.Sequential):
    """Three blocks of two 3 x 3 convolutions, each block at half the size and twice the width of the last.

    Image [batch, in_channels, height, width] of any size from 4 x 4 -> logits [batch, num_classes].

    Args:
        in_channels: channels of the images.
        num_classes: classes.
        width: channels after the first block.
        dropout: probability before the last layer.
    """

    def __init__(self, in_channels: int, num_classes: int, width: int = 32, dropout: float = 0.2) -> None:
        if width < 1:
            raise ValueError(f"width is {width}; it must be at least 1")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; a probability below 1 is wanted")
        super().__init__(
            _block(in_channels, width),
            nn.MaxPool2d(2),
            _block(width, 2 * width),
            nn.MaxPool2d(2),
            _block(2 * width, 4 * width),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(4 * width, num_classes),
        )


def _block(in_channels: int, out_channels: int) -> nn.Sequential:
    def convolution(channels: int) -> list[nn.Module]:
        layer = nn.Conv2d(channels, out_channels, kernel_size=3, padding=1, bias=False)
        return [layer, nn.BatchNorm2d(out_channels), nn.ReLU()]

    return nn.Sequential(*convolution(in_channels), *convolution(out_channels))
