"""Augmentations of float waveforms (batch, time), with different random parameters for each sample.

The parameters are drawn on the CPU, so that every device sees the same augmentation.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torchaudio.transforms import Speed

from ..core.randomness import streams, uniform


class RandomGain(nn.Module):
    """Change the gain by a random number of decibels between `-decibels` and `decibels`, at most 60."""

    def __init__(self, decibels: float = 6.0) -> None:
        if not 0 <= decibels <= 60:
            raise ValueError(f"decibels is {decibels}; it must be between 0 and 60")
        super().__init__()
        self.decibels = decibels

    def forward(self, waveforms: Tensor) -> Tensor:
        gain = 10 ** (_symmetric(len(waveforms)) * self.decibels / 20)
        return waveforms * gain.to(waveforms).unsqueeze(1)


class RandomShift(nn.Module):
    """Shift in time by a random number of samples between `-samples` and `samples`, filling with 0."""

    def __init__(self, samples: int = 800) -> None:
        if not samples >= 0:
            raise ValueError(f"samples is {samples}; it must not be negative")
        super().__init__()
        self.samples = samples

    def forward(self, waveforms: Tensor) -> Tensor:
        time = waveforms.shape[1]
        shift = (_symmetric(len(waveforms)) * self.samples).round().long().to(waveforms.device)
        source = torch.arange(time, device=waveforms.device) - shift.unsqueeze(1)
        shifted = waveforms.gather(1, source.clamp(0, time - 1))
        return shifted.masked_fill((source < 0) | (source >= time), 0.0)


class AddNoise(nn.Module):
    """Add white noise at a random level between `least` and `most` decibels below full scale."""

    def __init__(self, least: float = 70.0, most: float = 40.0) -> None:
        if not most >= 0:
            raise ValueError(f"most is {most}; expected decibels below full scale, which must not be negative")
        if not least >= most:
            raise ValueError(f"least={least}, most={most}: least must not be below most, in decibels below full scale")
        super().__init__()
        self.least, self.most = least, most

    def forward(self, waveforms: Tensor) -> Tensor:
        below = self.most + uniform(len(waveforms)) * (self.least - self.most)
        noise = streams(len(waveforms), waveforms.shape[1], torch.randn) * 10 ** (-below / 20).unsqueeze(1)
        return waveforms + noise.to(waveforms)


class RandomSpeed(nn.Module):
    """Change speed and pitch by a random factor from `factors`: (batch, time), (batch,) -> new waveforms and lengths.

    Source: Ko et al., Audio Augmentation for Speech Recognition, 2015, https://doi.org/10.21437/Interspeech.2015-711.
    """

    changes_lengths: ClassVar[bool] = True

    def __init__(self, factors: Sequence[float] = (0.9, 1.0, 1.1)) -> None:
        if not factors or not all(0.1 <= factor <= 10 for factor in factors):
            raise ValueError(f"factors are {factors}; expected one or more from 0.1 to 10")
        super().__init__()
        self.speeds = nn.ModuleList([Speed(orig_freq=1000, factor=factor) for factor in factors])

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        choices = (uniform(len(waveforms)) * len(self.speeds)).long()
        samples, new_lengths = list(waveforms), lengths.clone()
        for index, speed in enumerate(self.speeds):
            selected = (choices == index).nonzero().flatten()
            if len(selected):  # one batch per factor
                on_device = selected.to(waveforms.device)
                changed, new_lengths[on_device] = speed(waveforms[on_device], lengths[on_device])
                for sample, waveform in zip(selected.tolist(), changed, strict=True):
                    samples[sample] = waveform
        return pad_sequence(samples, batch_first=True), new_lengths


def _symmetric(samples: int) -> Tensor:
    """Uniform numbers from -1 to 1, (batch,)."""
    return uniform(samples).mul(2).sub(1)
