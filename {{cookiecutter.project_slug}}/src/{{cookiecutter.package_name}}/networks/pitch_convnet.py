import torch
from torch import Tensor, nn
from torch.nn.functional import pad


class PitchConvNet(nn.Module):
    """CREPE with half its layers: convolutions on frames of 64 ms of the raw waveform, the mean over whole frames.

    Waveforms (batch, time) and their lengths (batch) -> logits (batch, num_bins).

    Source: Kim et al., CREPE, 2018, section 2.1, https://arxiv.org/abs/1802.06182.

    Args:
        sample_rate: of the waveforms, in Hz, at least 1000.
        num_bins: pitches, 20 cents apart; 360 reach from C1 to B7.
        width: channels of the convolutions.
        dropout: probability before the linear layer.
    """

    def __init__(self, sample_rate: int, num_bins: int = 360, width: int = 32, dropout: float = 0.25) -> None:
        super().__init__()
        self.frame = sample_rate // 1000 * 64
        self.layers = nn.Sequential(
            *convolution(1, width, size=129, stride=8),
            *convolution(width, width, size=17),
            *convolution(width, 2 * width, size=9),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(2 * width * self.frame // 64, num_bins),
        )

    def forward(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        frames = pad(waveforms, (0, -waveforms.shape[1] % self.frame)).unfold(1, self.frame, self.frame)
        counts = (lengths // self.frame).clamp(min=1).tolist()
        sound = torch.cat([sample[:count] for sample, count in zip(frames, counts, strict=True)]).unsqueeze(1)
        sound = sound - sound.mean(dim=2, keepdim=True)
        logits = self.layers(sound / sound.std(dim=2, keepdim=True).clamp(min=1e-4))
        return torch.stack([of_sample.mean(dim=0) for of_sample in logits.split(counts)])


def convolution(in_channels: int, out_channels: int, size: int, stride: int = 1) -> list[nn.Module]:
    layer = nn.Conv1d(in_channels, out_channels, size, stride, padding=size // 2)
    return [layer, nn.ReLU(), nn.BatchNorm1d(out_channels), nn.MaxPool1d(2)]
