from torch import Tensor, nn
from torchaudio.functional import create_dct

from .mel_spectrogram import LogMelSpectrogram


class MFCC(nn.Module):
    """Mel frequency cepstral coefficients: the first terms of the cosine transform of each frame of a log-mel spectrogram.

    Shape: waveforms (batch, time) and lengths (batch,) -> (batch, 1, coefficient, time) and the number of valid frames
    (batch,). The spectrogram is standardised before, so the result is independent of loudness and padding stays 0.

    Source: Davis and Mermelstein, Comparison of Parametric Representations for Monosyllabic Word Recognition, 1980,
    https://doi.org/10.1109/TASSP.1980.1163420.

    Args:
        spectrogram: log-mel spectrogram.
        num_mels: number of its mel bands.
        num_mfcc: number of coefficients.
    """

    def __init__(self, spectrogram: LogMelSpectrogram, num_mels: int, num_mfcc: int) -> None:
        if not 1 <= num_mfcc <= num_mels:
            raise ValueError(f"num_mfcc is {num_mfcc}; expected 1 to num_mels={num_mels}")
        super().__init__()
        self.spectrogram = spectrogram
        self.register_buffer("cosines", create_dct(num_mfcc, num_mels, norm="ortho"))  # (mel, coefficient)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        bands, frames = self.spectrogram(waveforms, lengths)
        return (bands.transpose(2, 3) @ self.cosines).transpose(2, 3), frames
