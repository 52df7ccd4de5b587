from collections import OrderedDict
from functools import partial

from torch import Tensor, nn
from torchvision.models.detection import FCOS
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOSClassificationHead, FCOSHead, FCOSRegressionHead
from torchvision.ops import FeaturePyramidNetwork

from .resnet import ResidualBlock


class SmallFCOS(FCOS):
    """FCOS detector on a small residual network with a feature pyramid, for training from scratch.

    Shape: in training, images (3, height, width) with boxes and labels -> losses; otherwise images -> boxes, labels, scores.

    Source: Tian et al., FCOS: Fully Convolutional One-Stage Object Detection, 2019, https://arxiv.org/abs/1904.01355.

    Args:
        num_classes: number of classes, including the background as class 0.
        width: channels at half the resolution of the image, doubled by each stage.
        features: channels of the pyramid and the heads; a multiple of 16.
        strides: strides of the pyramid levels, each twice the previous one, such as 8, 16 and 32. A level detects objects
            whose sides are 4 to 8 strides from its points; the first and last levels also smaller and larger ones.
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
            raise ValueError(f"strides is {strides}; the first must be 4, 8, 16 ..., each of the others twice the last")
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
    """Heads of two convolutions with 16 channels per normalisation group.

    With torchvision's 32 groups, few channels per group remove most differences between classes. The bias of box
    distances is 1 stride instead of 0, where the ReLU may never get a gradient.
    """
    norm = partial(nn.GroupNorm, features // 16)
    head = FCOSHead(features, 1, num_classes, num_convs=2)
    head.classification_head = FCOSClassificationHead(features, 1, num_classes, num_convs=2, norm_layer=norm)
    head.regression_head = regression = FCOSRegressionHead(features, 1, num_convs=2, norm_layer=norm)
    assert regression.bbox_reg.bias is not None
    nn.init.ones_(regression.bbox_reg.bias)
    return head


class ResidualPyramid(nn.Module):
    """Feature pyramid: (batch, 3, height, width) -> maps (batch, features, height / stride, width / stride), largest first.

    Args:
        width: channels at half the resolution of the image.
        features: channels of every map.
        strides: strides of the maps.
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
        last = maps[-self.num_levels :]
        return self.pyramid(OrderedDict((str(level), features) for level, features in enumerate(last)))
