import numpy as np
import torch

from leyden.data.audio import Vowels
from leyden.data.audio.vowels import SAMPLE_RATE, WORDS, glottal_pulses, resonate


def test_every_vowel_by_every_voice_within_the_durations():
    data = Vowels()
    train, test = data.load("train"), data.load("test")
    assert data.provided() == {"num_classes": 10, "class_names": WORDS, "class_counts": [], "sample_rate": 8000}
    assert train.targets.bincount().tolist() == [150] * 10
    assert test.targets.bincount().tolist() == [48] * 10
    assert all(0.15 <= len(sample) / SAMPLE_RATE <= 0.5 for sample in train.inputs)
    assert all(sample.dtype is torch.int16 and sample.abs().max() > 1000 for sample in train.inputs)


def test_always_the_same_and_the_test_split_is_another():
    first, again, test = Vowels(seed=0).load("train"), Vowels(seed=1).load("train"), Vowels().load("test")
    assert all(torch.equal(a, b) for a, b in zip(first.inputs, again.inputs, strict=True))
    assert not {tuple(sample.tolist()) for sample in first.inputs} & {tuple(sample.tolist()) for sample in test.inputs}


def test_pulses_repeat_with_the_pitch():
    spectrum = np.abs(np.fft.rfft(glottal_pulses(torch.full((1, SAMPLE_RATE), 210.5))[0].numpy()))
    assert abs(spectrum[:400].argmax() - 210.5) <= 1
    assert spectrum[421] > 100 * spectrum[315]  # the second harmonic, and the gap between two


def test_resonators_are_loudest_at_the_formants():
    impulse = torch.zeros(1, SAMPLE_RATE)
    impulse[0, 0] = 1
    gain = np.abs(np.fft.rfft(resonate(impulse, torch.tensor([[500.0, 1500.0, 2500.0]]))[0].numpy()))
    peaks = [hertz for hertz in range(1, len(gain) - 1) if gain[hertz - 1] < gain[hertz] > gain[hertz + 1]]
    assert np.allclose(peaks, [500, 1500, 2500], atol=15)
    assert abs(gain[0] - 1) < 1e-3
