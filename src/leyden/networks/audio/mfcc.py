from torch import Tensor, nn
from torchaudio.functional import create_dct

from .mel_spectrogram import LogMelSpectrogram


class MFCC(nn.Module):
    """Mel frequency cepstral coefficients: the first terms of the cosine transform of each frame of a log-mel spectrogram.

    Waveforms [batch, time] and their lengths [batch] -> [batch, 1, coefficient, time] and the numbers of valid frames
    [batch]. The spectrogram is normalised first, so loudness does not matter, and frames of padding stay 0.

    Source: Davis and Mermelstein, Comparison of Parametric Representations for Monosyllabic Word Recognition, 1980,
    https://doi.org/10.1109/TASSP.1980.1163420.

    Args:
        spectrogram: gives the mel bands.
        num_mels: their number.
        num_mfcc: coefficients that are kept.
    """

    def __init__(self, spectrogram: LogMelSpectrogram, num_mels: int, num_mfcc: int) -> None:
        if not 1 <= num_mfcc <= num_mels:
            raise ValueError(f"num_mfcc is {num_mfcc}; 1 to num_mels={num_mels} are possible")
        super().__init__()
        self.spectrogram = spectrogram
        self.register_buffer("cosines", create_dct(num_mfcc, num_mels, norm="ortho"))  # [mel, coefficient]

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        bands, frames = self.spectrogram(waveforms, lengths)
        return (bands.transpose(2, 3) @ self.cosines).transpose(2, 3), frames
