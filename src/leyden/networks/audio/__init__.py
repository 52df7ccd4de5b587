from .conformer import Conformer
from .mel_convnet import MelConvNet
from .mel_spectrogram import LogMelSpectrogram
from .wav2vec2 import Wav2Vec2

__all__ = ["Conformer", "LogMelSpectrogram", "MelConvNet", "Wav2Vec2"]
