from torch import nn


class AngleConvNet(nn.Sequential):
    """Three 3 x 3 convolutions, two halvings of the image, and a linear layer.

    Images (batch, in_channels, image_size, image_size) -> vectors (batch, 2).

    Args:
        in_channels: channels of the images.
        image_size: in pixels.
        width: channels after the first convolution, doubled by each of the next two.
        dropout: probability before the linear layer.
    """

    def __init__(self, in_channels: int, image_size: int, width: int = 16, dropout: float = 0.2) -> None:
        super().__init__(
            *convolution(in_channels, width),
            nn.MaxPool2d(2),
            *convolution(width, 2 * width),
            nn.MaxPool2d(2),
            *convolution(2 * width, 4 * width),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(4 * width * (image_size // 4) ** 2, 2),
        )


def convolution(in_channels: int, out_channels: int) -> list[nn.Module]:
    layer = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False)
    return [layer, nn.BatchNorm2d(out_channels), nn.ReLU()]
