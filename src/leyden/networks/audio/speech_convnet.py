from typing import Literal

from torch import Tensor, nn

from ..lengths import padding_mask
from .conformer import STRIDES
from .mel_spectrogram import LogMelSpectrogram


class SpeechConvNet(nn.Module):
    """Mel spectrogram and convolutions over time, with a limited receptive field.

    With a small training set, networks that see a whole sample, such as the Conformer, overfit to whole transcripts.

    Shape: waveforms (batch, time) and lengths (batch,) -> log-probabilities (batch, frame, num_tokens) and the number of
    valid frames (batch,). In evaluation, the result of a sample does not depend on its padding.

    Source: Collobert et al., Wav2Letter, 2016, https://arxiv.org/abs/1609.03193, with batch normalisation as in
    Li et al., Jasper, 2019, https://arxiv.org/abs/1904.03288, and much smaller.

    Args:
        num_tokens: number of tokens, including the blank.
        sample_rate: of the waveforms, in Hz.
        num_mels: number of mel bands.
        subsampling: number of 10 ms spectrogram frames per output frame; see `Conformer`.
        width: channels.
        depth: number of convolutions, including the strided ones; at least 2.
        kernel_size: kernel size; odd.
        dropout: dropout probability.
        mask_mels, mask_frames: maximum width of SpecAugment masks in training, see `LogMelSpectrogram`.
    """

    def __init__(
        self,
        num_tokens: int,
        sample_rate: int,
        num_mels: int = 40,
        subsampling: Literal[1, 2, 4] = 4,
        width: int = 128,
        depth: int = 5,
        kernel_size: int = 21,
        dropout: float = 0.1,
        mask_mels: int = 0,
        mask_frames: int = 0,
    ) -> None:
        if subsampling not in (1, 2, 4):
            raise ValueError(f"subsampling is {subsampling}; it must be 1, 2 or 4")
        if width < 1:
            raise ValueError(f"width is {width}; it must be at least 1")
        if depth < 2:
            raise ValueError(f"depth is {depth}; it must be at least 2")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {kernel_size}; it must be odd")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; expected a probability below 1")
        super().__init__()
        self.spectrogram = LogMelSpectrogram(sample_rate, num_mels, mask_mels=mask_mels, mask_frames=mask_frames)
        self.strides = [*STRIDES[subsampling], *[1] * (depth - 2)]
        channels = [num_mels, *[width] * depth]
        self.convolutions = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(channels[index], width, kernel_size, stride, padding=kernel_size // 2, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(),
                nn.Dropout(dropout),
            )
            for index, stride in enumerate(self.strides)
        )
        self.head = nn.Linear(width, num_tokens)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        spectrogram, frames = self.spectrogram(waveforms, lengths)
        features = spectrogram.squeeze(1)
        for convolution, stride in zip(self.convolutions, self.strides, strict=True):
            features, frames = convolution(features), (frames + stride - 1) // stride
            # Padding must be 0 in the next convolution.
            padding = padding_mask(frames, features.shape[2])
            features = features.masked_fill(padding.unsqueeze(1), 0.0)
        return self.head(features.transpose(1, 2)).float().log_softmax(dim=2), frames
