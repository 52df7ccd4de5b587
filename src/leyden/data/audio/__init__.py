from .audio_data import AudioData
from .audio_files import AudioFiles
from .augment import AddNoise, RandomGain, RandomShift, RandomSpeed
from .librispeech import LibriSpeech
from .speech_commands import SpeechCommands
from .speech_files import SpeechFiles
from .vowel_sequences import VowelSequences
from .vowels import Vowels
from .yesno import YesNo

__all__ = [
    "AddNoise",
    "AudioData",
    "AudioFiles",
    "LibriSpeech",
    "RandomGain",
    "RandomShift",
    "RandomSpeed",
    "SpeechCommands",
    "SpeechFiles",
    "VowelSequences",
    "Vowels",
    "YesNo",
]
