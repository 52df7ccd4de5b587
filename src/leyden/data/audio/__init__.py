from .audio_files import AudioFiles
from .augment import AddNoise, RandomGain, RandomShift, RandomSpeed
from .speech_commands import SpeechCommands
from .vowels import Vowels

__all__ = ["AddNoise", "AudioFiles", "RandomGain", "RandomShift", "RandomSpeed", "SpeechCommands", "Vowels"]
