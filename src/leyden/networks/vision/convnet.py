from torch import nn

from .conv_block import conv_block


class ConvNet(nn.Sequential):
    """Three blocks of two 3 x 3 convolutions; each block halves the resolution and doubles the channels.

    Shape: images (batch, in_channels, height, width), at least 4 x 4 pixels -> logits (batch, num_classes).

    Args:
        in_channels: channels of the images.
        num_classes: number of classes.
        width: channels after the first block.
        dropout: dropout probability before the last layer.
    """

    def __init__(self, in_channels: int, num_classes: int, width: int = 32, dropout: float = 0.2) -> None:
        if width < 1:
            raise ValueError(f"width is {width}; it must be at least 1")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; expected a probability below 1")
        super().__init__(
            conv_block(in_channels, width),
            nn.MaxPool2d(2),
            conv_block(width, 2 * width),
            nn.MaxPool2d(2),
            conv_block(2 * width, 4 * width),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(4 * width, num_classes),
        )
