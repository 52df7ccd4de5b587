from torch import Tensor, nn
from torch.nn.functional import max_pool1d

from ..lengths import padding_mask

POOL = 4  # after every convolution, as in the paper


class M5(nn.Module):
    """M5: a wide convolution on the raw waveform, followed by three narrow ones.

    Shape: waveforms (batch, time) and lengths (batch,) -> logits (batch, num_classes). In evaluation, the logits of a
    sample do not depend on its padding; in training, batch normalisation includes it.

    Source: Dai et al., Very Deep Convolutional Neural Networks for Raw Waveforms, 2016, table 1,
    https://arxiv.org/abs/1610.00087. The first kernel covers 10 ms: 80 samples at the paper's 8 kHz.

    Args:
        num_classes: number of classes.
        sample_rate: of the waveforms, in Hz.
        width: channels of the first two convolutions, doubled by each of the last two; 128 in the paper.
    """

    def __init__(self, num_classes: int, sample_rate: int, width: int = 128) -> None:
        if sample_rate < 2000:
            raise ValueError(f"sample_rate is {sample_rate}; a stride of 0.5 ms needs at least 2000")
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
            # Padding must be 0 in the next convolution and pooling.
            features = block(features)
            features = features * is_valid(features, frames).unsqueeze(1)
            features, frames = max_pool1d(features, POOL, ceil_mode=True), -(-frames // POOL)
        return self.classifier(features.sum(dim=2) / frames.unsqueeze(1))


def standardise(waveforms: Tensor, lengths: Tensor) -> Tensor:
    """Standardise each sample (batch, time) to mean 0 and standard deviation 1 over its valid part; padding stays 0."""
    valid, count = is_valid(waveforms, lengths), lengths.unsqueeze(1)
    mean = (waveforms * valid).sum(dim=1, keepdim=True) / count
    centred = (waveforms - mean) * valid
    deviation = (centred.square().sum(dim=1, keepdim=True) / count).sqrt()
    return centred / deviation.clamp(min=1e-4)


def is_valid(features: Tensor, lengths: Tensor) -> Tensor:
    """1 for valid positions and 0 for padding (batch, time), in the dtype of the features."""
    return (~padding_mask(lengths, features.shape[-1])).to(features.dtype)
