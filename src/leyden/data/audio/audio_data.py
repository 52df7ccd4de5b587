import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import soundfile
import torch
from torch import Tensor, nn
from torchaudio.functional import amplitude_to_DB, resample, spectrogram

from ..core.batch import Batch
from ..core.datamodule import DataModule, Stage
from ..core.samples import Samples
from ..files.files import expand_inputs
from ..storage.file_samples import FileSamples, OnCorrupt
from ..storage.fingerprint import decoder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = {".wav", ".flac", ".ogg"}
MIN_MEAN_LEVEL = 0.1  # of the mean of all channels relative to the channels; below it, they cancel each other


class AudioData(DataModule):
    """Base class of audio data: int16 (batch, time), zero-padded; on the device, floats from -1 to 1.

    Args:
        sample_rate: in Hz; files at other rates are resampled.
        max_seconds: maximum duration of a waveform.
        too_long: `truncate` longer files to `max_seconds`, with one warning, or `raise` an error.
        channel: index of the channel to use; by default, the mean of all channels.
        full_scale: full-scale value of floating-point files, such as 32768 for integers saved as floats. Larger values are
            clipped, with a warning.
        augment: modules applied in order to training batches of floats (batch, time), which keep the shape; a module with
            a true attribute `changes_lengths` also receives and returns the lengths (batch,).
        **loading: arguments of `DataModule`.
    """

    provides: ClassVar[tuple[str, ...]] = (*DataModule.provides, "sample_rate")
    decoding: ClassVar[tuple[str, ...]] = ("sample_rate", "max_seconds", "too_long", "channel", "full_scale")
    suffixes = SUFFIXES

    def __init__(
        self,
        sample_rate: int = 16000,
        max_seconds: float = 10.0,
        too_long: Literal["truncate", "raise"] = "truncate",
        channel: int | None = None,
        full_scale: float = 1.0,
        augment: Sequence[nn.Module] = (),
        **loading,
    ) -> None:
        if sample_rate < 1:
            raise ValueError(f"sample_rate is {sample_rate}; it must be at least 1")
        if max_seconds <= 0:
            raise ValueError(f"max_seconds is {max_seconds}; it must be more than 0")
        if too_long not in ("truncate", "raise"):
            raise ValueError(f"too_long is {too_long!r}; it must be 'truncate' or 'raise'")
        if channel is not None and channel < 0:
            raise ValueError(f"channel is {channel}; it must be at least 0, or null to average all channels")
        if not 0 < full_scale < float("inf"):
            raise ValueError(f"full_scale is {full_scale}; it must be more than 0")
        super().__init__(**loading)
        self.sample_rate, self.max_seconds, self.too_long, self.augment = (sample_rate, max_seconds, too_long, augment)
        self.channel, self.full_scale = channel, full_scale

    def decode(self, path: Path) -> Tensor:
        """Decode a wav, flac or ogg file to int16 (time,).

        Raises:
            ValueError: the file is empty, truncated or too long, holds values that are not finite, or lacks the channel.
            soundfile.LibsndfileError: the file cannot be decoded (a RuntimeError).
        """
        with soundfile.SoundFile(path) as file:
            _check_whole(file.extra_info)
            limit = int(self.max_seconds * file.samplerate)
            if file.frames > limit:
                self._handle_too_long(path, file.frames / file.samplerate)
            # Read floats: libsndfile does not scale float files when converting them to integers.
            channels = torch.from_numpy(file.read(limit, dtype="float32", always_2d=True))
            rate, is_float = file.samplerate, file.subtype in ("FLOAT", "DOUBLE")
        if not len(channels):
            raise ValueError("it has no audio samples")
        if not channels.isfinite().all():
            raise ValueError("it has values that are not finite")
        samples = self._one_channel(channels, path)
        if is_float:
            samples = self._scaled(samples, path)
        if rate != self.sample_rate:
            samples = resample(samples, rate, self.sample_rate)
        return samples.mul(32768).round().clamp(-32768, 32767).to(torch.int16)

    def measure(self, path: Path) -> int:
        """Length of a file after decoding, in audio samples, from its header; 0 if the file cannot be read."""
        try:
            header = soundfile.info(path)
        except (OSError, RuntimeError):  # reported by the decoder
            return 0
        return round(min(header.duration, self.max_seconds) * self.sample_rate)

    def file_samples(self, paths: list[Path], targets: Any, on_corrupt: OnCorrupt = "raise") -> FileSamples:
        return FileSamples(paths, targets, self.decode, True, on_corrupt, self.measure, decoder(self))

    def _handle_too_long(self, path: Path, seconds: float) -> None:
        problem = f"lasts {seconds:.1f} s, more than data.max_seconds={self.max_seconds:g}"
        if self.too_long == "raise":
            raise ValueError(f"it {problem}")
        self.storage.warnings.warn(
            "max_seconds", f"{path} {problem}: truncated; further long files are truncated without a message"
        )

    def _one_channel(self, channels: Tensor, path: Path) -> Tensor:
        """(time, channel) -> (time,)"""
        num_channels = channels.shape[1]
        if self.channel is not None:
            if self.channel >= num_channels:
                raise ValueError(f"data.channel={self.channel}, but it has {num_channels} channels")
            return channels[:, self.channel]
        mean = channels.mean(dim=1)
        # The mean of independent channels has 1 / sqrt(channels) of their level.
        if num_channels > 1 and (level := mean.norm()) < MIN_MEAN_LEVEL * (full := channels.norm() / num_channels**0.5):
            self.storage.warnings.warn(
                "channel",
                f"{path} has {num_channels} channels that cancel each other: their mean has {level / full:.1%} of their "
                "level. Set data.channel=0 to use only the first one",
            )
        return mean

    def _scaled(self, samples: Tensor, path: Path) -> Tensor:
        """Scale floats from full scale to 1."""
        peak = float(samples.abs().max())
        if peak > self.full_scale * (1 + 1 / 32768):
            self.storage.warnings.warn(
                "full_scale",
                f"{path} has values up to {peak:.6g}, beyond data.full_scale={self.full_scale:g}: they are clipped. Set "
                "data.full_scale to the full-scale value of your files (32768 for 16-bit integers saved as floats)",
            )
        return samples / self.full_scale

    def read(self, inputs: list[Path]) -> tuple[Samples, list[str]]:
        paths = expand_inputs(inputs, self.suffixes)
        return self.file_samples(paths, torch.zeros(len(paths), dtype=torch.int64)), [str(path) for path in paths]

    def batch_transform(self, stage: Stage) -> nn.Module:
        return AudioTransform(self.augment if stage == "train" else ())

    def draw(self, axes: "Axes", inputs: Tensor) -> None:
        window = torch.hann_window(256)
        # 256-sample windows with a hop of 64 samples and a dynamic range of 80 dB.
        power = spectrogram(inputs.float().cpu(), 128, window, 256, 64, 256, power=2.0, normalized=False)
        decibels = amplitude_to_DB(power, multiplier=10.0, amin=1e-10, db_multiplier=0.0, top_db=80.0)
        seconds, kilohertz = len(inputs) / self.sample_rate, self.sample_rate / 2000
        axes.imshow(decibels.numpy(), origin="lower", aspect="auto", extent=(0, seconds, 0, kilohertz))


class AudioTransform(nn.Module):
    """Convert int16 (batch, time) to floats from -1 to 1 and augment them; 0 beyond `lengths`."""

    def __init__(self, augment: Sequence[nn.Module]) -> None:
        super().__init__()
        self.augment = nn.ModuleList(augment)

    def forward(self, batch: Batch) -> Batch:
        assert batch.lengths is not None
        waveforms, lengths = batch.inputs.float().div_(32768), batch.lengths
        for module in self.augment:
            if getattr(module, "changes_lengths", False):
                waveforms, lengths = module(waveforms, lengths)
            else:
                waveforms = module(waveforms)
            # Clear the padding, where a module may leave noise that the next one would mix with the signal.
            is_padding = torch.arange(waveforms.shape[1], device=waveforms.device) >= lengths.unsqueeze(1)
            waveforms = waveforms.masked_fill(is_padding, 0.0)
        return batch._replace(inputs=waveforms, lengths=lengths)


def _check_whole(header: str) -> None:
    """Detect a truncated wav file in the log of libsndfile, which reads it without an error."""
    if sizes := re.search(r"^data : (\d+) \(should be (\d+)\)", header, re.MULTILINE):
        declared, present = int(sizes[1]), int(sizes[2])
        # Programs that write to a pipe declare the maximum size; some are off by a few bytes.
        if present < 0.99 * declared and declared < 2**31 - 1:
            raise ValueError(f"it is truncated: {present} of {declared} bytes are present")
