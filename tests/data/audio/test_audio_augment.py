import pytest
import torch

from leyden.data import Batch
from leyden.data.audio import AddNoise, AudioFiles, RandomGain, RandomShift


@pytest.fixture
def waveforms():
    return torch.rand(32, 400) - 0.5


@pytest.mark.parametrize("module", [RandomGain(0.0), RandomShift(0), AddNoise(300.0, 300.0)])
def test_no_amount_changes_nothing(module, waveforms):
    assert torch.allclose(module(waveforms), waveforms, atol=1e-6)


def test_gain_is_within_its_bounds_and_of_each_row(waveforms):
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


@pytest.mark.parametrize("make", [lambda: RandomGain(-1.0), lambda: RandomShift(-1), lambda: AddNoise(20.0, 40.0)])
def test_arguments_out_of_range(make):
    with pytest.raises(ValueError, match=r"negative|further below"):
        make()
