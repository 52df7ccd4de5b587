import pytest
import torch

from leyden.data import Batch
from leyden.data.audio import (
    AddNoise,
    AudioFiles,
    RandomGain,
    RandomShift,
    RandomSpeed,
)
from leyden.networks.audio.mel_spectrogram import LogMelSpectrogram


@pytest.fixture
def waveforms():
    return torch.rand(32, 400) - 0.5


@pytest.mark.parametrize("module", [RandomGain(0.0), RandomShift(0), AddNoise(300.0, 300.0)])
def test_no_amount_changes_nothing(module, waveforms):
    assert torch.allclose(module(waveforms), waveforms, atol=1e-6)


def test_gain_is_within_its_bounds_and_of_each_sample(waveforms):
    gain = RandomGain(6.0)(waveforms) / waveforms
    assert torch.allclose(gain, gain[:, :1].expand_as(gain), rtol=1e-4)
    assert len(gain[:, 0].unique()) == 32
    assert gain.min() >= 10 ** (-6 / 20) - 1e-3
    assert gain.max() <= 10 ** (6 / 20) + 1e-3


def test_shift_is_within_its_bounds_and_brings_in_silence():
    impulse = torch.zeros(32, 101)
    impulse[:, 50] = 1
    shifted = RandomShift(20)(impulse)
    places = shifted.argmax(dim=1)
    assert (shifted.sum(dim=1) == 1).all()
    assert 30 <= places.min() < 50 < places.max() <= 70
    assert (RandomShift(300)(torch.ones(32, 101)) == 0).any()


def test_noise_has_its_level():
    noise = AddNoise(least=40.0, most=40.0)(torch.zeros(4, 10000))
    assert torch.allclose(noise.square().mean(dim=1).sqrt(), torch.tensor(0.01), rtol=0.05)
    assert not torch.equal(noise[0], noise[1])


def test_in_training_only_and_padding_stays_silent():
    data = AudioFiles(root="nowhere", augment=[AddNoise()])
    batch = Batch(torch.zeros(2, 10, dtype=torch.int16), torch.zeros(2), torch.tensor([10, 4]))
    augmented = data.batch_transform("train")(batch).inputs
    assert augmented[0].all()
    assert augmented[1, :4].all()
    assert not augmented[1, 4:].any()
    assert not data.batch_transform("test")(batch).inputs.any()


def tones(hertz=500, samples=12, time=4000, rate=8000):
    return torch.sin(2 * torch.pi * hertz * torch.arange(time) / rate).expand(samples, time)


def test_speed_changes_length_and_pitch_of_each_sample():
    factors = [0.5, 1.0, 2.0]
    waveforms, lengths = RandomSpeed(factors)(tones(), torch.full((12,), 4000))
    assert set(lengths.tolist()) == {8000, 4000, 2000}  # all three factors occur
    assert waveforms.shape == (12, 8000)
    for sample, length in zip(waveforms, lengths.tolist(), strict=True):
        assert not sample[length:].any()
        spectrum = torch.fft.rfft(sample[:length]).abs()
        assert spectrum.argmax() * 8000 / length == pytest.approx(500 * 4000 / length, abs=8)


def test_a_sample_s_speed_does_not_depend_on_its_padding():
    torch.manual_seed(1)
    short, length = RandomSpeed([0.9])(tones(samples=1, time=700), torch.tensor([700]))
    padded = torch.cat([tones(samples=1, time=700), torch.zeros(1, 500)], dim=1)
    long, same = RandomSpeed([0.9])(padded, torch.tensor([700]))
    assert length.tolist() == same.tolist() == [778]
    assert torch.allclose(short[0, :778], long[0, :778], atol=1e-5)


def test_new_lengths_reach_what_follows_and_padding_stays_silent():
    data = AudioFiles(root="nowhere", augment=[AddNoise(), RandomSpeed([0.5, 2.0]), AddNoise()])
    batch = Batch(torch.zeros(8, 10, dtype=torch.int16), torch.arange(8), torch.tensor([10, 4] * 4))
    torch.manual_seed(0)
    augmented = data.batch_transform("train")(batch)
    assert {*augmented.lengths.tolist()} == {20, 5, 8, 2}
    for sample, length in zip(augmented.inputs, augmented.lengths.tolist(), strict=True):
        assert sample[:length].all()
        assert not sample[length:].any()
    torch.manual_seed(0)  # a function of the generator's state only, as resuming requires
    assert data.batch_transform("train")(batch).inputs.equal(augmented.inputs)


@pytest.mark.parametrize("factors", [[], [0.0], [1.0, 11.0], [float("nan")]])
def test_speeds_out_of_range(factors):
    with pytest.raises(ValueError, match="factors are"):
        RandomSpeed(factors)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomGain(-1.0), "decibels is -1"),
        (lambda: RandomGain(61.0), "decibels is 61"),
        (lambda: RandomGain(float("nan")), "decibels is nan"),
        (lambda: RandomShift(-1), "samples is -1"),
        (lambda: AddNoise(20.0, 40.0), "least must not be below most"),
        (lambda: AddNoise(10.0, -5.0), "most is -5"),
        (lambda: AddNoise(float("nan"), 5.0), "least=nan"),
        (lambda: LogMelSpectrogram(8000, num_mels=40, mask_mels=41), "mask_mels is 41"),
    ],
)
def test_arguments_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()
