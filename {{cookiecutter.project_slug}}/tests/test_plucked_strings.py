from math import exp

import pytest
import torch
from leyden import Batch

from {{ cookiecutter.package_name }}.data.plucked_strings import PluckedStrings, pluck
from {{ cookiecutter.package_name }}.networks.pitch_convnet import PitchConvNet
from {{ cookiecutter.package_name }}.tasks.pitch_estimation import LOWEST, PitchEstimation

NETWORK = PitchConvNet(sample_rate=8000).eval()


def test_data():
    assert [len(PluckedStrings(sample_rate=8000).load(split)) for split in ("train", "test")] == [5000, 500]
    waveform = pluck(torch.tensor([40.5]), time=8100, generator=torch.Generator())[0, -4050:]
    assert torch.fft.rfft(waveform - waveform.mean()).abs().argmax() == 100  # periods of 40.5 steps


def test_network():
    waveforms, lengths = torch.rand(1, 1500), torch.tensor([1500])
    padded = torch.cat([waveforms, torch.ones(1, 900)], dim=1)
    torch.testing.assert_close(NETWORK(padded, lengths), NETWORK(waveforms, lengths))


def test_task():
    task = PitchEstimation(NETWORK, optimizer=torch.optim.AdamW)
    task.forward, task.log = (lambda inputs, lengths: inputs), (lambda *_, **__: None)
    logits = torch.where(torch.arange(360) == 60, 20.0, -20.0).expand(3, 360)  # certain of an octave above C1
    pitches = LOWEST * 2 ** (torch.tensor([1200.0, 1230.0, 1100.0]) / 1200)
    losses = task.evaluate(Batch(logits, pitches), "test").per_sample_loss
    assert losses[0].item() == pytest.approx(20 * 2 * sum(exp(-((20 * k) ** 2) / 1250) for k in range(1, 9)) / 360)
    assert task.test_raw_pitch_accuracy.compute().item() == pytest.approx(2 / 3)
    assert task.test_error_cents.compute().item() == pytest.approx(130 / 3, rel=1e-3)
