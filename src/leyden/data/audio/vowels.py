import math

import torch
from torch import Tensor
from torchaudio.functional import lfilter

from ..core.samples import RaggedSamples
from ..core.split_names import Split
from .audio_data import AudioData

# Peterson and Barney, Table II, in Hz: pitch and first three formants of each vowel, by group of speakers.
WORDS = ["heed", "hid", "head", "had", "hod", "hawed", "hood", "who'd", "hud", "heard"]
MEN = [
    [136, 135, 130, 127, 124, 129, 137, 141, 130, 133],
    [270, 390, 530, 660, 730, 570, 440, 300, 640, 490],
    [2290, 1990, 1840, 1720, 1090, 840, 1020, 870, 1190, 1350],
    [3010, 2550, 2480, 2410, 2440, 2410, 2240, 2240, 2390, 1690],
]
WOMEN = [
    [235, 232, 223, 210, 212, 216, 232, 231, 221, 218],
    [310, 430, 610, 860, 850, 590, 470, 370, 760, 500],
    [2790, 2480, 2330, 2050, 1220, 920, 1160, 950, 1400, 1640],
    [3310, 3070, 2990, 2850, 2810, 2710, 2680, 2670, 2780, 1960],
]
CHILDREN = [
    [272, 269, 260, 251, 256, 263, 276, 274, 261, 261],
    [370, 530, 690, 1010, 1030, 680, 560, 430, 850, 560],
    [3200, 2730, 2610, 2320, 1370, 1060, 1410, 1170, 1590, 1820],
    [3730, 3600, 3570, 3320, 3170, 3180, 3310, 3260, 3360, 2160],
]
BANDWIDTHS = [60.0, 90.0, 150.0]  # of the three formants, Hz
SAMPLE_RATE = 8000


class Vowels(AudioData):
    """SYNTHETIC: ten American English vowels, synthesised from published averages of real voices.

    Glottal pulses are filtered by three resonators, the formants. Men, women and children are equally frequent; each
    voice has its own pitch and vocal tract length, and each vowel varies in pitch, formants, duration (0.15 to 0.5 s),
    loudness and noise. The test split has other voices. The samples do not depend on `seed`.

    Sources: G. E. Peterson, H. L. Barney, Control Methods Used in a Study of the Vowels, Journal of the Acoustical
    Society of America 24 (1952), 175-184, Table II, https://doi.org/10.1121/1.1906875 (averages); D. H. Klatt, Software
    for a Cascade/Parallel Formant Synthesizer, ibid. 67 (1980), 971-995 (method).

    Args:
        **audio: arguments of `AudioData`; `sample_rate` is 8000 Hz.
    """

    is_embedded = True
    origin = "computed at each start"

    def __init__(self, **audio) -> None:
        super().__init__(sample_rate=SAMPLE_RATE, **audio)

    def load(self, split: Split) -> RaggedSamples:
        self.class_names = WORDS
        if split == "train":
            return synthesise(voices=30, takes=5, seed=1952)
        return synthesise(voices=12, takes=4, seed=1953)


def synthesise(voices: int, takes: int, seed: int) -> RaggedSamples:
    """`takes` samples of every vowel by every voice: int16 (time,) at 8000 Hz."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=generator) * (high - low) + low

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    voice = torch.arange(voices).repeat_interleave(takes * len(WORDS))
    vowel = torch.arange(len(WORDS)).repeat(voices * takes)
    samples = len(voice)
    averages = torch.tensor([MEN, WOMEN, CHILDREN]).float()[voice % 3, :, vowel]  # (sample, pitch and formants)
    pitch = averages[:, 0] * uniform(0.85, 1.2, voices)[voice] * (1 + 0.05 * normal(samples))
    tract = uniform(0.92, 1.08, voices)[voice].unsqueeze(1)
    formants = (averages[:, 1:] * tract * (1 + 0.04 * normal(samples, 3))).clamp(max=3800)
    lengths = (uniform(0.15, 0.5, samples) * SAMPLE_RATE).long()

    time = torch.arange(int(lengths.max()))
    glide = 1 + uniform(-0.15, 0.15, samples, 1) * time / SAMPLE_RATE
    waveforms = resonate(glottal_pulses(pitch.unsqueeze(1) * glide), formants)
    fade = (torch.minimum(time, lengths.unsqueeze(1) - time).clamp(min=0) / (0.02 * SAMPLE_RATE)).clamp(max=1)
    waveforms = waveforms * fade
    waveforms = waveforms / waveforms.abs().amax(dim=1, keepdim=True)
    level = waveforms.square().sum(dim=1, keepdim=True).div(lengths.unsqueeze(1)).sqrt()
    waveforms = waveforms + normal(samples, len(time)) * level * 10 ** (-uniform(5, 30, samples, 1) / 20)
    waveforms = (waveforms * uniform(0.1, 0.6, samples, 1) * 32768).clamp(-32768, 32767).to(torch.int16)
    return RaggedSamples([sample[:length] for sample, length in zip(waveforms, lengths, strict=True)], vowel)


def glottal_pulses(pitch: Tensor) -> Tensor:
    """One pulse per period of pitch (sample, time) in Hz: -12 dB/octave for the glottis, +6 dB/octave for the lips."""
    step = pitch / SAMPLE_RATE
    phase = step.cumsum(dim=1)
    starts = phase.floor() > (phase - step).floor()
    # A period rarely starts on a sample: split the pulse between two samples.
    early = torch.where(starts, (phase.frac() / step).clamp(max=1), 0.0)
    pulses = torch.where(starts, 1 - early, 0.0)
    pulses[:, :-1] += early[:, 1:]
    return lfilter(pulses, torch.tensor([1.0, -1.9, 0.9025]), torch.tensor([1.0, -1.0, 0.0]), clamp=False)


def resonate(waveforms: Tensor, formants: Tensor) -> Tensor:
    """Filter (sample, time) by one resonator per formant (sample, formant) in Hz; Klatt 1980, section I B."""
    for frequency, bandwidth in zip(formants.T, BANDWIDTHS, strict=True):
        radius = math.exp(-math.pi * bandwidth / SAMPLE_RATE)
        feedback = 2 * radius * (2 * math.pi * frequency / SAMPLE_RATE).cos()
        ones, zeros = torch.ones_like(feedback), torch.zeros_like(feedback)
        a = torch.stack([ones, -feedback, radius**2 * ones], dim=1)
        b = torch.stack([a.sum(dim=1), zeros, zeros], dim=1)  # unit gain at 0 Hz
        waveforms = lfilter(waveforms, a, b, clamp=False)
    return waveforms
