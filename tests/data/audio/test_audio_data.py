import numpy as np
import pytest
import soundfile
import torch
from matplotlib.figure import Figure

from leyden.data import Batch, DataError
from leyden.data.audio import AudioFiles


def tone(hertz, seconds, rate):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def data(**audio):
    return AudioFiles(root="nowhere", sample_rate=8000, **audio)


def loudest_hertz(samples, rate):
    return np.abs(np.fft.rfft(samples.numpy())).argmax() * rate / len(samples)


def test_samples_of_16_bits_survive_exactly(tmp_path):
    samples = np.array([-32768, -1, 0, 1, 32767], dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 8000)
    decoded = data().decode(tmp_path / "a.wav")
    assert decoded.dtype is torch.int16
    assert decoded.tolist() == samples.tolist()


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        *(("wav", width) for width in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")),
        *(("flac", width) for width in ("PCM_S8", "PCM_16", "PCM_24")),
    ],
)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_every_width_of_sample_has_the_same_scale(tmp_path, kind, subtype, channels):
    path = tmp_path / f"a clip.{kind}"
    soundfile.write(path, np.full((10, channels), 0.5), 8000, subtype=subtype)
    assert (data().decode(path) - 16384).abs().max() <= 1


def test_floats_beyond_full_scale_are_clipped_with_a_warning(tmp_path, caplog):
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", np.array([2.0, -2.0, 0.0]), 8000, subtype="FLOAT")
    clipping = data()
    assert clipping.decode(tmp_path / "a.wav").tolist() == [32767, -32768, 0]
    assert clipping.decode(tmp_path / "b.wav").tolist() == [32767, -32768, 0]
    (record,) = caplog.records
    assert "a.wav has values up to 2, beyond data.full_scale=1: they are clipped" in record.message


def test_floats_of_another_scale(tmp_path, caplog):
    integers = np.array([-32768, -1, 0, 1, 32767], dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", integers.astype(np.float32), 8000, subtype="FLOAT")
    assert data(full_scale=32768).decode(tmp_path / "a.wav").tolist() == integers.tolist()
    soundfile.write(tmp_path / "b.wav", integers, 8000)  # integers are always scaled by their width
    assert data(full_scale=32768).decode(tmp_path / "b.wav").tolist() == integers.tolist()
    assert not caplog.records


@pytest.mark.parametrize("kind", ["wav", "ogg", "flac"])
def test_loud_and_wide_waveforms_raise_no_alarm(tmp_path, caplog, kind):
    """Full-scale tones, which lossy codecs slightly exceed, and independent channels."""
    loud = np.stack([2 * tone(440, 0.5, 8000), 2 * tone(1000, 0.5, 8000)], axis=1)
    soundfile.write(tmp_path / f"a.{kind}", loud, 8000)
    one_of_six = np.zeros((4000, 6))
    one_of_six[:, 3] = tone(440, 0.5, 8000)
    soundfile.write(tmp_path / f"b.{kind}", one_of_six, 8000)
    soundfile.write(tmp_path / f"c.{kind}", np.zeros((4000, 2)), 8000)
    for name in "abc":
        data().decode(tmp_path / f"{name}.{kind}")
    assert not caplog.records


def test_channels_that_cancel_each_other_and_the_choice_of_one(tmp_path, caplog):
    sound = tone(440, 0.5, 8000)
    soundfile.write(tmp_path / "a.wav", np.stack([sound, -0.99 * sound], axis=1), 8000)
    assert data().decode(tmp_path / "a.wav").abs().max() < 100
    (record,) = caplog.records
    assert "a.wav has 2 channels that cancel each other: their mean has 0.5% of their level" in record.message
    assert "data.channel=0" in record.message
    first, second = (data(channel=number).decode(tmp_path / "a.wav").float() for number in (0, 1))
    assert torch.allclose(second, -0.99 * first, atol=2)
    with pytest.raises(ValueError, match=r"data\.channel=2, but it has 2 channels"):
        data(channel=2).decode(tmp_path / "a.wav")


def test_channels_are_averaged(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([[100, 300], [-100, 100]], dtype=np.int16), 8000)
    assert data().decode(tmp_path / "a.wav").tolist() == [200, 0]


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("rate", [8000, 11025, 44100])
def test_kinds_and_rates_keep_length_pitch_and_level(tmp_path, kind, rate):
    path = tmp_path / f"a.{kind}"
    soundfile.write(path, tone(440, 0.5, rate), rate)
    decoded = data().decode(path)
    assert len(decoded) == pytest.approx(4000, abs=1)
    assert loudest_hertz(decoded, 8000) == pytest.approx(440, abs=2)
    assert decoded.double().div(32768).square().mean().sqrt() == pytest.approx(0.5 / 2**0.5, rel=0.05)


def test_nothing_above_half_the_rate_is_folded_down(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(6000, 0.5, 16000), 16000)
    assert data().decode(tmp_path / "a.wav").double()[100:-100].abs().max() < 300


def test_too_long_is_truncated_and_logged_once(tmp_path, caplog):
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", tone(440, 2, 16000), 16000)
    cutting = data(max_seconds=0.5)
    assert [len(cutting.decode(tmp_path / f"{name}.wav")) for name in ("a", "b")] == [4000, 4000]
    assert caplog.text.count("2.0 s, more than data.max_seconds=0.5") == 1


def test_too_long_raises_if_configured(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(440, 2, 8000), 8000)
    samples, _ = data(max_seconds=0.5, too_long="raise").read([tmp_path])
    with pytest.raises(DataError, match=r"cannot read .*a\.wav: it lasts 2\.0 s"):
        samples.__getitems__([0])


def cut_off(path):
    soundfile.write(path, tone(440, 1, 8000), 8000)
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.write_bytes(b""), "Format not recognised"),
        (lambda path: path.write_bytes(b"no sound at all"), "Format not recognised"),
        (lambda path: soundfile.write(path, np.zeros(0), 8000), "it has no audio samples"),
        (lambda path: soundfile.write(path, np.full(9, np.nan), 8000, subtype="FLOAT"), "not finite"),
        (cut_off, "it is truncated: 4956 of 16000 bytes are present"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, spoil, reason):
    spoil(tmp_path / "bad.wav")
    samples, _ = data().read([tmp_path / "bad.wav"])
    with pytest.raises(DataError, match=rf"cannot read .*bad\.wav: .*{reason}"):
        samples.__getitems__([0])


def test_a_wav_written_to_a_pipe_has_no_size_and_is_read(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(440, 0.5, 8000), 8000)
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert len(data().decode(path)) == 4000


def test_predicting_reads_files_and_folders(tmp_path):
    (tmp_path / "more").mkdir()
    for number, name in enumerate(["one.wav", "more/two.flac", "more/three.ogg"], start=1):
        soundfile.write(tmp_path / name, tone(440, number / 10, 8000), 8000)
    samples, names = data().read([tmp_path / "one.wav", tmp_path / "more"])
    assert names == [str(tmp_path / name) for name in ("one.wav", "more/three.ogg", "more/two.flac")]
    batch = samples.__getitems__([0, 1, 2])
    assert batch.lengths.tolist() == [800, 2400, 1600]
    assert batch.inputs.shape == (3, 2400)
    assert not batch.inputs[0, 800:].any()


def test_the_device_gets_floats_between_one_and_minus_one():
    batch = Batch(torch.tensor([[-32768, 16384]], dtype=torch.int16), torch.zeros(1), torch.tensor([2]))
    assert data().batch_transform("test")(batch).inputs.tolist() == [[-1.0, 0.5]]


def test_a_sample_is_drawn(tmp_path):
    axes = Figure().subplots()
    data().draw(axes, torch.cat([torch.from_numpy(tone(1000, 0.5, 8000)), torch.zeros(4000)]))
    (image,) = axes.get_images()
    assert image.get_extent() == [0, 1, 0, 4]
    first_half = np.asarray(image.get_array())[:, :50]
    assert first_half.mean(axis=1).argmax() == 1000 / 4000 * 128


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"sample_rate": 0}, "sample_rate is 0"),
        ({"max_seconds": 0}, "max_seconds"),
        ({"too_long": "x"}, "'truncate'"),
        ({"memory_gb": -1}, "memory_gb is -1"),
        ({"channel": -1}, "channel is -1"),
        ({"full_scale": 0.0}, "full_scale is 0"),
        ({"full_scale": float("nan")}, "full_scale is nan"),
    ],
)
def test_arguments_out_of_range(argument, message):
    with pytest.raises(ValueError, match=message):
        AudioFiles(root="nowhere", **argument)
