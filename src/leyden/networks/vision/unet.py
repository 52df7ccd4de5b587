from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from .conv_block import conv_block


class UNet(nn.Module):
    """U-Net: a contracting and an expanding path with skip connections at each resolution.

    Shape: images (batch, in_channels, height, width) of any size -> logits (batch, num_classes, height, width). Unlike in
    the paper, convolutions are padded and followed by batch normalisation, so that the output has the size of the image.

    Source: Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, 2015,
    https://arxiv.org/abs/1505.04597 (width 64, depth 4).

    Args:
        in_channels: channels of the images.
        num_classes: number of classes.
        width: channels at full resolution, doubled at each halving of the resolution.
        depth: number of halvings.
        upsampling: learnt `transposed` convolutions, as in the paper, or `bilinear` with half their parameters.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        width: int = 64,
        depth: int = 4,
        upsampling: Literal["transposed", "bilinear"] = "transposed",
    ) -> None:
        if width < 1:
            raise ValueError(f"width is {width}; it must be at least 1")
        if depth < 1:
            raise ValueError(f"depth is {depth}; it must be at least 1")
        super().__init__()
        channels = [width * 2**level for level in range(depth + 1)]
        self.first = conv_block(in_channels, width)
        self.down = nn.ModuleList(nn.Sequential(nn.MaxPool2d(2), conv_block(fine, 2 * fine)) for fine in channels[:-1])
        self.up = nn.ModuleList(_doubled(2 * fine, fine, upsampling) for fine in channels[-2::-1])
        self.merge = nn.ModuleList(conv_block(2 * fine, fine) for fine in channels[-2::-1])
        self.last = nn.Conv2d(width, num_classes, kernel_size=1)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        multiple = 2 ** len(self.down)
        # Pad to a multiple by repeating the border, and crop the output.
        features = self.first(pad(images, (0, -width % multiple, 0, -height % multiple), mode="replicate"))
        skips = []
        for down in self.down:
            skips.append(features)
            features = down(features)
        for up, merge in zip(self.up, self.merge, strict=True):
            features = merge(torch.cat([skips.pop(), up(features)], dim=1))
        return self.last(features)[..., :height, :width]


def _doubled(in_channels: int, out_channels: int, upsampling: str) -> nn.Module:
    """(batch, in_channels, height, width) -> (batch, out_channels, 2 height, 2 width)"""
    if upsampling == "transposed":
        return nn.ConvTranspose2d(in_channels, out_channels, kernel_size=2, stride=2)
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=1),
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
    )
