from .conformer import Conformer
from .m5 import M5
from .mel_convnet import MelConvNet
from .mel_spectrogram import LogMelSpectrogram
from .mfcc import MFCC
from .speech_convnet import SpeechConvNet
from .wav2vec2 import Wav2Vec2

__all__ = [
    "M5",
    "MFCC",
    "Conformer",
    "LogMelSpectrogram",
    "MelConvNet",
    "SpeechConvNet",
    "Wav2Vec2",
]
