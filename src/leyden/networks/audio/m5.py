from torch import Tensor, nn
from torch.nn.functional import max_pool1d

from ..lengths import padding_mask

POOL = 4  # after every convolution, as provided


class M5(nn.Module):
    """Five layers on the raw waveform: a wide convolution that takes the place of a spectrogram, three narrow ones.

    Waveforms [batch, time] and their lengths [batch] -> logits [batch, num_classes]. When evaluating, a sample's logits do
    not depend on the padding that longer neighbours cause; while training, batch normalisation sees that padding.

    Source: Dai et al., Very Deep Convolutional Neural Networks for Raw Waveforms, 2016, table 1,
    https://arxiv.org/abs/1610.00087. The first convolution is 10 ms long, which at the paper's 8 kHz is 80 samples.

    Args:
        num_classes: classes.
        sample_rate: of the waveforms, in Hz.
        width: channels of the first two convolutions, doubled by each of the last two; 128 in the paper.
    """

    def __init__(self, num_classes: int, sample_rate: int, width: int = 128) -> None:
        if sample_rate < 2000:
            raise ValueError(f"sample_rate is {sample_rate}; at least 2000 is needed for a step of half a millisecond")
        if width < 1:
            raise ValueError(f"width is {width}; it must be at least 1")
        super().__init__()
        size, self.step = sample_rate // 100 // 2 * 2, sample_rate // 2000
        wide = nn.Conv1d(1, width, size, stride=self.step, padding=size // 2, bias=False)
        narrow = [(width, width), (width, 2 * width), (2 * width, 4 * width)]
        convolutions = [wide, *(nn.Conv1d(i, o, kernel_size=3, padding=1, bias=False) for i, o in narrow)]
        self.blocks = nn.ModuleList(
            nn.Sequential(convolution, nn.BatchNorm1d(convolution.out_channels), nn.ReLU())
            for convolution in convolutions
        )
        self.classifier = nn.Linear(4 * width, num_classes)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        features, frames = standardise(waveforms, lengths).unsqueeze(1), lengths // self.step + 1
        for block in self.blocks:
            # A frame of padding must be 0 before a neighbour's convolution or maximum sees it.
            features = block(features)
            features = features * is_valid(features, frames).unsqueeze(1)
            features, frames = max_pool1d(features, POOL, ceil_mode=True), -(-frames // POOL)
        return self.classifier(features.sum(dim=2) / frames.unsqueeze(1))


def standardise(waveforms: Tensor, lengths: Tensor) -> Tensor:
    """Each sample [batch, time] with mean 0 and deviation 1 over its sound, as the paper does; padding stays 0."""
    valid, count = is_valid(waveforms, lengths), lengths.unsqueeze(1)
    mean = (waveforms * valid).sum(dim=1, keepdim=True) / count
    centred = (waveforms - mean) * valid
    deviation = (centred.square().sum(dim=1, keepdim=True) / count).sqrt()
    return centred / deviation.clamp(min=1e-4)


def is_valid(features: Tensor, lengths: Tensor) -> Tensor:
    """1 for sound, 0 for padding [batch, time], of the features' dtype."""
    return (~padding_mask(lengths, features.shape[-1])).to(features.dtype)
