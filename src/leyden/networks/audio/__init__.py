from .mel_convnet import MelConvNet
from .mel_spectrogram import LogMelSpectrogram

__all__ = ["LogMelSpectrogram", "MelConvNet"]
