import torch
from torch import Tensor, nn
from torchaudio.transforms import AmplitudeToDB, FrequencyMasking, MelSpectrogram, TimeMasking

from ..lengths import padding_mask


class LogMelSpectrogram(nn.Module):
    """Log-mel spectrogram with a dynamic range of 80 dB, standardised for each sample.

    Shape: waveforms (batch, time) and lengths (batch,) -> (batch, 1, frequency, time) and the number of valid frames
    (batch,). Valid frames do not depend on padding; padding frames are 0.

    In training, one frequency band and one time interval of each sample are masked with 0, the mean:
    Park et al., SpecAugment, 2019, https://arxiv.org/abs/1904.08779.

    Args:
        sample_rate: of the waveforms, in Hz.
        num_mels: number of mel bands.
        window_seconds: window length.
        hop_seconds: time between frames.
        mask_mels: maximum number of masked mel bands; 0 for none.
        mask_frames: maximum number of masked frames; 0 for none.
    """

    def __init__(
        self,
        sample_rate: int,
        num_mels: int = 40,
        window_seconds: float = 0.025,
        hop_seconds: float = 0.01,
        mask_mels: int = 0,
        mask_frames: int = 0,
    ) -> None:
        if sample_rate < 1:
            raise ValueError(f"sample_rate is {sample_rate}; it must be at least 1")
        if num_mels < 1:
            raise ValueError(f"num_mels is {num_mels}; it must be at least 1")
        if not 0 < hop_seconds <= window_seconds:
            raise ValueError(f"hop_seconds={hop_seconds}, window_seconds={window_seconds}: expected 0 < hop <= window")
        if mask_mels > num_mels:
            raise ValueError(f"mask_mels is {mask_mels}; it must be at most num_mels={num_mels}")
        if mask_mels < 0 or mask_frames < 0:
            raise ValueError(f"mask_mels={mask_mels}, mask_frames={mask_frames}: they must not be negative")
        super().__init__()
        window, self.hop = round(sample_rate * window_seconds), max(1, round(sample_rate * hop_seconds))
        # An FFT of at least twice the window length avoids empty low mel bands.
        num_points = 2 ** (2 * window - 1).bit_length()
        self.mel = MelSpectrogram(sample_rate, num_points, window, self.hop, n_mels=num_mels, pad_mode="constant")
        self.decibels = AmplitudeToDB(stype="power", top_db=80.0)
        self.masks = nn.Sequential(
            FrequencyMasking(mask_mels, iid_masks=True), TimeMasking(mask_frames, iid_masks=True)
        )

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        # Powers span more than 80 dB, beyond lower precisions.
        with torch.autocast(waveforms.device.type, enabled=False):
            spectrogram = self.decibels(self.mel(waveforms.float()).unsqueeze(1))
        frames = lengths // self.hop + 1
        valid = valid_frames(spectrogram, frames)
        count = valid.sum(dim=(2, 3), keepdim=True) * spectrogram.shape[2]
        mean = (spectrogram * valid).sum(dim=(2, 3), keepdim=True) / count
        centred = (spectrogram - mean) * valid
        deviation = (centred.square().sum(dim=(2, 3), keepdim=True) / count).sqrt()
        normalised = centred / deviation.clamp(min=1e-3)
        return self.masks(normalised) if self.training else normalised, frames


def valid_frames(features: Tensor, frames: Tensor) -> Tensor:
    """1 for valid frames and 0 for padding, (batch, 1, 1, time), in the dtype of the features."""
    return (~padding_mask(frames, features.shape[-1]))[:, None, None, :].to(features.dtype)
