from torch import Tensor, nn


class ResNet(nn.Sequential):
    """ResNet for small images: three stages of 16, 32 and 64 channels, times `width`.

    Shape: images (batch, in_channels, height, width) -> logits (batch, num_classes). Shortcuts that change the shape are
    1 x 1 convolutions (option B).

    Source: He et al., Deep Residual Learning for Image Recognition, 2015, section 4.2, https://arxiv.org/abs/1512.03385.

    Args:
        in_channels: channels of the images.
        num_classes: number of classes.
        num_layers: 6 n + 2, with n blocks per stage: 20, 32, 44, 56, 110.
        width: factor of the channels of every stage.
    """

    def __init__(self, in_channels: int, num_classes: int, num_layers: int = 20, width: int = 1) -> None:
        if num_layers < 8 or num_layers % 6 != 2:
            raise ValueError(f"num_layers is {num_layers}; expected 6 n + 2, such as 20, 32, 44, 56 or 110")
        if width < 1:
            raise ValueError(f"width is {width}; it must be at least 1")
        first, *_ = stages = [16 * width, 32 * width, 64 * width]
        blocks, channels = [], first
        for stage, out_channels in enumerate(stages):
            for index in range((num_layers - 2) // 6):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(ResidualBlock(channels, out_channels, stride))
                channels = out_channels
        super().__init__(
            nn.Conv2d(in_channels, first, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            *blocks,
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(channels, num_classes),
        )


class ResidualBlock(nn.Module):
    """(batch, in_channels, height, width) -> (batch, out_channels, height / stride, width / stride)"""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, images: Tensor) -> Tensor:
        return (self.residual(images) + self.shortcut(images)).relu()
