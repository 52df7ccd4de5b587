import torch
from torch import Tensor, nn
from torchaudio.transforms import AmplitudeToDB, FrequencyMasking, MelSpectrogram, TimeMasking

from ..lengths import padding_mask


class LogMelSpectrogram(nn.Module):
    """Waveforms -> the loudest 80 dB of their mel spectrogram, each sample with mean 0 and deviation 1.

    Waveforms [batch, time] and their lengths [batch] -> [batch, 1, frequency, time] and the numbers of valid frames
    [batch]. A sample's frames do not depend on its padding; frames of padding are 0.

    While training, one band of frequencies and one stretch of time of each sample are masked with 0, its mean:
    Park et al., SpecAugment, 2019, https://arxiv.org/abs/1904.08779.

    Args:
        sample_rate: of the waveforms, in Hz.
        num_mels: bands of frequency.
        window_seconds: length of the window.
        hop_seconds: time from one frame to the next.
        mask_mels: widest band that is masked; 0 masks none.
        mask_frames: longest stretch that is masked; 0 masks none.
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
            raise ValueError(f"mask_mels is {mask_mels}; there are {num_mels} bands (num_mels)")
        if mask_mels < 0 or mask_frames < 0:
            raise ValueError(f"mask_mels={mask_mels}, mask_frames={mask_frames}: neither may be negative")
        super().__init__()
        window, self.hop = round(sample_rate * window_seconds), max(1, round(sample_rate * hop_seconds))
        # A transform of at least twice the window keeps the lowest mel bands from being empty.
        num_points = 2 ** (2 * window - 1).bit_length()
        self.mel = MelSpectrogram(sample_rate, num_points, window, self.hop, n_mels=num_mels, pad_mode="constant")
        self.decibels = AmplitudeToDB(stype="power", top_db=80.0)
        self.masks = nn.Sequential(
            FrequencyMasking(mask_mels, iid_masks=True), TimeMasking(mask_frames, iid_masks=True)
        )

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        # Powers span 80 dB and more: lower precisions would lose the quiet ones.
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
    """1 for a frame of sound, 0 for one of padding: [batch, 1, 1, time] of the features' dtype."""
    return (~padding_mask(frames, features.shape[-1]))[:, None, None, :].to(features.dtype)
