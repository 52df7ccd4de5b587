from torch import Tensor, nn


class R2Plus1D(nn.Sequential):
    """A small R(2+1)D: a residual network for video with convolutions factored into space and time.

    Shape: clips (batch, in_channels, time, height, width) of any size -> logits (batch, num_classes). Three stages of one
    residual block each; the second and third halve time, height and width and double the channels.

    Source: Tran et al., A Closer Look at Spatiotemporal Convolutions for Action Recognition, 2018, section 3.5,
    https://arxiv.org/abs/1711.11248.

    Args:
        in_channels: channels of the frames.
        num_classes: number of classes.
        width: channels of the first stage.
        dropout: dropout probability before the last layer.
    """

    def __init__(self, in_channels: int, num_classes: int, width: int = 32, dropout: float = 0.2) -> None:
        if width < 1:
            raise ValueError(f"width is {width}; it must be at least 1")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; expected a probability below 1")
        super().__init__(
            Conv2Plus1D(in_channels, width, stride=1),
            nn.BatchNorm3d(width),
            nn.ReLU(),
            SpatiotemporalBlock(width, width, stride=1),
            SpatiotemporalBlock(width, 2 * width, stride=2),
            SpatiotemporalBlock(2 * width, 4 * width, stride=2),
            nn.AdaptiveAvgPool3d(1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(4 * width, num_classes),
        )


class Conv2Plus1D(nn.Sequential):
    """A convolution over 3 x 3 pixels, then one over 3 frames, with about the parameters of one 3 x 3 x 3 convolution.

    Shape: (batch, in_channels, time, height, width) -> (batch, out_channels, time / stride, height / stride,
    width / stride).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        between = 27 * in_channels * out_channels // (9 * in_channels + 3 * out_channels)
        super().__init__(
            nn.Conv3d(in_channels, between, (1, 3, 3), (1, stride, stride), padding=(0, 1, 1), bias=False),
            nn.BatchNorm3d(between),
            nn.ReLU(),
            nn.Conv3d(between, out_channels, (3, 1, 1), (stride, 1, 1), padding=(1, 0, 0), bias=False),
        )


class SpatiotemporalBlock(nn.Module):
    """(batch, in_channels, time, height, width) -> (batch, out_channels, and each axis divided by the stride)"""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            Conv2Plus1D(in_channels, out_channels, stride),
            nn.BatchNorm3d(out_channels),
            nn.ReLU(),
            Conv2Plus1D(out_channels, out_channels, stride=1),
            nn.BatchNorm3d(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Sequential(
                nn.Conv3d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm3d(out_channels),
            )

    def forward(self, clips: Tensor) -> Tensor:
        return (self.residual(clips) + self.shortcut(clips)).relu()
