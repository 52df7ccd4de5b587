from collections import OrderedDict
from functools import partial

from torch import Tensor, nn
from torchvision.models.detection import FCOS
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOSClassificationHead, FCOSHead, FCOSRegressionHead
from torchvision.ops import FeaturePyramidNetwork

from .resnet import ResidualBlock


class SmallFCOS(FCOS):
    """FCOS on a small residual network with a feature pyramid, to be trained from scratch.

    In training: images [3, height, width] and their boxes and labels -> losses; else images -> boxes, labels, scores.

    Source: Tian et al., FCOS: Fully Convolutional One-Stage Object Detection, 2019, https://arxiv.org/abs/1904.01355.

    Args:
        num_classes: classes, with the background as class 0.
        width: channels at half the size of the image; each level doubles them.
        features: channels of the pyramid and of the heads; a multiple of 16.
        strides: of the levels of the pyramid, each twice the last, such as 8, 16 and 32. A level finds objects whose
            sides lie 4 to 8 strides from its points; the first and the last also what is smaller and what is larger.
        score_thresh, nms_thresh, detections_per_img: as in torchvision's FCOS.
        **fcos: further arguments of torchvision's FCOS.
    """

    def __init__(
        self,
        num_classes: int,
        width: int = 16,
        features: int = 64,
        strides: tuple[int, ...] = (8,),
        score_thresh: float = 0.05,
        nms_thresh: float = 0.5,
        detections_per_img: int = 100,
        **fcos,
    ) -> None:
        if width < 1:
            raise ValueError(f"width is {width}; it must be at least 1")
        if features < 16 or features % 16:
            raise ValueError(f"features is {features}; expected a multiple of 16")
        if strides[0] < 4 or any(stride != strides[0] * 2**level for level, stride in enumerate(strides)):
            raise ValueError(f"strides is {strides}; each must be twice the last, and the first 4, 8, 16 ...")
        super().__init__(
            ResidualPyramid(width, features, strides),
            num_classes,
            anchor_generator=AnchorGenerator(tuple((stride,) for stride in strides), ((1.0,),) * len(strides)),
            head=_head(features, num_classes),
            score_thresh=score_thresh,
            nms_thresh=nms_thresh,
            detections_per_img=detections_per_img,
            **fcos,
        )


def _head(features: int, num_classes: int) -> FCOSHead:
    """Heads of two convolutions whose groups have 16 channels.

    torchvision's have 32 groups: of few channels each, which lose most of what tells classes apart. And its distances
    to the sides of a box begin at a rectified 0, where chance may leave them without a gradient for ever; ours begin at
    1 stride.
    """
    norm = partial(nn.GroupNorm, features // 16)
    head = FCOSHead(features, 1, num_classes, num_convs=2)
    head.classification_head = FCOSClassificationHead(features, 1, num_classes, num_convs=2, norm_layer=norm)
    head.regression_head = regression = FCOSRegressionHead(features, 1, num_convs=2, norm_layer=norm)
    assert regression.bbox_reg.bias is not None
    nn.init.ones_(regression.bbox_reg.bias)
    return head


class ResidualPyramid(nn.Module):
    """Image [batch, 3, height, width] -> maps [batch, features, height / stride, width / stride], the largest first.

    Args:
        width: channels at half the size of the image.
        features: channels of every map.
        strides: of the maps.
    """

    def __init__(self, width: int, features: int, strides: tuple[int, ...]) -> None:
        super().__init__()
        self.out_channels = features
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, kernel_size=3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.stages, stride, channels = nn.ModuleList(), 2, width
        while stride < strides[-1]:
            self.stages.append(
                nn.Sequential(ResidualBlock(channels, 2 * channels, 2), ResidualBlock(2 * channels, 2 * channels, 1))
            )
            stride, channels = 2 * stride, 2 * channels
        self.num_levels = len(strides)
        self.pyramid = FeaturePyramidNetwork(
            [channels // 2**level for level in reversed(range(self.num_levels))], features
        )

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        maps = [self.stem(images)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return self.pyramid(OrderedDict((str(level), one) for level, one in enumerate(maps[-self.num_levels :])))
