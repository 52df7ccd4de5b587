from typing import Any

import torch
from leyden.data import RaggedSamples, Samples, Split
from leyden.data.audio import AudioData
from matplotlib.axes import Axes
from torch import Generator, Tensor


class PluckedStrings(AudioData):
    """SYNTHETIC: plucked strings over mains hum. Which pitch do they have? Arguments are those of `AudioData`.

    Notes of 50 to 80 ms from E2 to E5 (82.4 to 659 Hz), 5,000 for training and 500 for the test, over a sawtooth of 50
    or 60 Hz that is 10 dB softer to 10 dB louder, and noise. They are the same for every `seed`.

    Source: K. Karplus, A. Strong, Digital Synthesis of Plucked-String and Drum Timbres, Computer Music Journal 7(2),
    1983, 43-55, https://doi.org/10.2307/3680062.
    """

    is_embedded = True  # needs no download
    provides = ("sample_rate",)  # a network may take these as arguments

    def load(self, split: Split) -> RaggedSamples:
        """Waveforms, int16 (time) each, and pitches in Hz (sample)."""
        count, seed = (5000, 0) if split == "train" else (500, 1)
        generator = Generator().manual_seed(seed)

        def uniform(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(count, 1, generator=generator)

        pitches, lengths = 82.4 * 2 ** uniform(0, 3), (self.sample_rate * uniform(0.05, 0.08)).long()
        notes = pluck(self.sample_rate / pitches.squeeze(1), int(lengths.max()), generator)
        seconds = uniform(0, 1) + torch.arange(notes.shape[1]) / self.sample_rate
        hum = (50 + 10 * uniform(0, 1).round()) * seconds % 1
        hum = (hum - 0.5) * 10 ** uniform(-0.5, 0.5) / hum.std(dim=1, keepdim=True)
        notes = notes / notes.std(dim=1, keepdim=True) + hum + 0.03 * torch.randn(notes.shape, generator=generator)
        notes = (32767 * notes / notes.abs().amax(dim=1, keepdim=True)).to(torch.int16)
        return RaggedSamples([note[:length] for note, length in zip(notes, lengths, strict=True)], pitches.squeeze(1))

    def records(self, samples: Samples, index: int, prediction: Tensor) -> list[dict[str, Any]]:
        """What `leyden predict` writes of one file."""
        return [{"pitch_hz": round(prediction.item(), 2)}]

    def draw_prediction(self, axes: Axes, inputs: Tensor, target: Tensor, prediction: Tensor) -> None:
        self.draw(axes, inputs)
        axes.axhline(target.item() / 1000, color="lime")
        axes.axhline(prediction.item() / 1000, color="red", linestyle="--")
        axes.set_title(f"{prediction:.1f} Hz, true {target:.1f} Hz", fontsize=9)


def pluck(periods: Tensor, time: int, generator: Generator) -> Tensor:
    """Periods (string), in steps of the waveform -> waveforms (string, time): noise in a loop that averages neighbors.

    An average with weights 1 - s and s delays by s steps, here to within a cent.
    """
    whole, s, string = periods.long(), periods.frac(), torch.arange(len(periods))
    waveforms = 2 * torch.rand(len(periods), time, generator=generator) - 1
    for step in range(time):
        loop = (1 - s) * waveforms[string, step - whole] + s * waveforms[string, step - whole - 1]
        waveforms[:, step] = torch.where(step > whole, loop, waveforms[:, step])
    return waveforms
