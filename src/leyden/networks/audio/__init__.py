from .m5 import M5
from .mel_convnet import MelConvNet
from .mel_spectrogram import LogMelSpectrogram
from .mfcc import MFCC

__all__ = ["M5", "MFCC", "LogMelSpectrogram", "MelConvNet"]
