from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from .mel_spectrogram import LogMelSpectrogram, valid_frames
from .mfcc import MFCC


class MelConvNet(nn.Module):
    """Mel spectrogram or MFCC, three blocks of 3 x 3 convolutions, and mean pooling over time.

    Shape: waveforms (batch, time) and lengths (batch,) -> logits (batch, num_classes). In evaluation, the logits of a
    sample do not depend on its padding. In training, batch normalisation includes padding frames, of which batches of
    similar lengths have few.

    Args:
        num_classes: number of classes.
        sample_rate: of the waveforms, in Hz.
        num_mels: number of mel bands.
        num_mfcc: number of cepstral coefficients that replace the mel bands, see `MFCC`; 0 for none.
        width: channels after the first block, doubled by each of the next two.
        dropout: dropout probability before the last layer.
        mask_mels, mask_frames: maximum width of SpecAugment masks in training, see `LogMelSpectrogram`.
    """

    def __init__(
        self,
        num_classes: int,
        sample_rate: int,
        num_mels: int = 40,
        num_mfcc: int = 0,
        width: int = 16,
        dropout: float = 0.2,
        mask_mels: int = 0,
        mask_frames: int = 0,
    ) -> None:
        if num_mels < 8:
            raise ValueError(f"num_mels is {num_mels}; three poolings need at least 8")
        if num_mfcc and not 8 <= num_mfcc <= num_mels:
            raise ValueError(f"num_mfcc is {num_mfcc}; expected 0, or 8 to num_mels={num_mels}")
        if width < 1:
            raise ValueError(f"width is {width}; it must be at least 1")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; expected a probability below 1")
        super().__init__()
        self.spectrogram = LogMelSpectrogram(sample_rate, num_mels, mask_mels=mask_mels, mask_frames=mask_frames)
        if num_mfcc:
            self.spectrogram = MFCC(self.spectrogram, num_mels, num_mfcc)
        self.blocks = nn.ModuleList([_block(1, width), _block(width, 2 * width), _block(2 * width, 4 * width)])
        # Frequencies distinguish sounds, so only time is averaged.
        num_features = 4 * width * -(-(num_mfcc or num_mels) // 8)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(num_features, num_classes))

    def forward(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        features, frames = self.spectrogram(waveforms, lengths)
        for block in self.blocks:
            # Padding must be 0 in the next convolution and pooling.
            features = block(features) * valid_frames(features, frames)
            features, frames = max_pool2d(features, 2, ceil_mode=True), (frames + 1) // 2
        pooled = features.sum(dim=3) / frames[:, None, None]
        return self.classifier(pooled.flatten(1))


def _block(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )
