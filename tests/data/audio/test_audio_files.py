import numpy as np
import pytest
import soundfile
import torch

from leyden.data import DataError
from leyden.data.audio import AudioFiles


@pytest.fixture
def audio_folder(tmp_path):
    """Files named as in Free Spoken Digits, digit_speaker_number.wav; the first audio sample is the digit."""
    for digit in range(3):
        for number in range(10):
            samples = np.full(100 + 10 * number, digit * 1000, dtype=np.int16)
            soundfile.write(tmp_path / f"{digit}_tom_{number}.wav", samples, 8000)
    return tmp_path


def by_name(root, **audio):
    patterns = {"label": r"^(\d)_", "test": r"_[0-1]\.wav$", "sample_rate": 8000}
    return AudioFiles(root=str(root), validation_fraction=0.25, **patterns, **audio)


def test_labels_and_split_by_name(audio_folder):
    data = by_name(audio_folder, batch_size=6)
    data.setup("fit")
    data.setup("test")
    assert data.provided() == {
        "num_classes": 3,
        "class_names": ["0", "1", "2"],
        "class_counts": [6, 6, 6],
        "sample_rate": 8000,
    }
    assert {stage: len(samples) for stage, samples in data.samples.items()} == {"train": 18, "validation": 6, "test": 6}
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        for batch in loader:
            assert batch.inputs.dtype is torch.int16
            assert batch.inputs.shape == (len(batch.targets), batch.lengths.max())
            assert torch.equal(batch.inputs[:, 0], batch.targets * 1000)
            is_sound = torch.arange(batch.inputs.shape[1]) < batch.lengths.unsqueeze(1)
            assert torch.equal(batch.inputs, is_sound * batch.targets.unsqueeze(1) * 1000)


def test_workers_read_the_same_batches(audio_folder):
    loaders = []
    for num_workers in (0, 2):
        data = by_name(audio_folder, batch_size=6, num_workers=num_workers)
        data.setup("fit")
        loaders.append(data.train_dataloader())
    for alone, helped in zip(*loaders, strict=True):
        assert torch.equal(alone.inputs, helped.inputs)


def test_manifest(audio_folder):
    lines = ["path,label,split", "0_tom_0.wav,zero,train", "0_tom_1.wav,zero,train", "1_tom_0.wav,one,test"]
    lines += ["1_tom_1.wav,one,train", "1_tom_2.wav,one,train"]
    (audio_folder / "list.csv").write_text("\n".join(lines))
    data = AudioFiles(root=str(audio_folder), manifest="list.csv", sample_rate=8000)
    train, test = data.load("train"), data.load("test")
    assert data.class_names == ["one", "zero"]
    assert train.targets.tolist() == [1, 1, 0, 0]
    assert test.__getitems__([0]).inputs[0, 0] == 1000


def test_a_class_in_the_test_split_only(audio_folder, caplog):
    soundfile.write(audio_folder / "7_tom_0.wav", np.full(100, 7000, dtype=np.int16), 8000)
    refused = "class '7' has no training sample: its 1 other samples cannot be classified"
    with pytest.raises(DataError, match=refused):
        by_name(audio_folder).setup("fit")
    data = by_name(audio_folder, classes=["0", "1", "2", "7"])
    data.setup("fit")
    data.setup("test")
    assert data.class_counts == [6, 6, 6, 0]
    assert refused in caplog.text
    assert data.samples["test"].targets.max() == 3
    refusing = by_name(audio_folder, classes=["0", "1", "2"])
    refusing.setup("fit")
    with pytest.raises(DataError, match=r"unknown labels in the test split: \['7'\]"):
        refusing.setup("test")


def test_lengths_from_the_headers_are_those_of_the_decoded_files(audio_folder):
    soundfile.write(audio_folder / "0_tom_9.wav", np.zeros(3001, dtype=np.int16), 44100)
    soundfile.write(audio_folder / "1_tom_9.wav", np.zeros(9000, dtype=np.int16), 8000)
    samples = by_name(audio_folder, max_seconds=1.0, memory_gb=0.0).load("train")
    decoded = torch.tensor([len(samples.read(path)) for path in samples.paths])
    assert (samples.lengths - decoded).abs().max() <= 1  # resampling rounds up
    assert samples.lengths.max() == 8000


def test_a_file_without_a_header_has_no_length(audio_folder):
    (audio_folder / "2_tom_5.wav").write_bytes(b"no sound")
    samples = by_name(audio_folder, memory_gb=0.0, on_corrupt="skip").load("train")
    assert samples.lengths.min() == 0


def test_several_labels_in_a_manifest(audio_folder):
    lines = ["path,label", *(f"{n % 3}_tom_{n}.wav,{'low;loud' if n % 2 else 'low'}" for n in range(10))]
    (audio_folder / "list.csv").write_text("\n".join(lines))
    data = AudioFiles(str(audio_folder), manifest="list.csv", sample_rate=8000, label_separator=";", batch_size=4)
    data.setup("fit")
    data.setup("test")
    assert data.class_names == ["loud", "low"]
    assert {stage: len(samples) for stage, samples in data.samples.items()} == {"train": 7, "validation": 1, "test": 2}
    batch = next(iter(data.train_dataloader()))
    assert batch.targets.shape == (4, 2)
    assert batch.targets[:, 1].all()


def test_files_are_decoded_once(audio_folder):
    data = by_name(audio_folder, batch_size=6)
    data.setup("fit")
    first = [batch.inputs for batch in data.val_dataloader()]
    for path in audio_folder.iterdir():
        path.unlink()
    assert all(one.equal(two) for one, two in zip(first, [b.inputs for b in data.val_dataloader()], strict=True))


def test_too_many_to_keep_are_read_with_each_batch(audio_folder):
    batches = []
    for memory_gb in (0.0, 1.0):
        data = by_name(audio_folder, batch_size=6, memory_gb=memory_gb)
        data.setup("fit")
        batches.append(list(data.train_dataloader()))
    for read, kept in zip(*batches, strict=True):
        assert all(one.equal(two) for one, two in zip(read, kept, strict=True))


@pytest.mark.parametrize("memory_gb", [0.0, 1.0])
def test_corrupt_files_are_named_or_skipped(audio_folder, caplog, memory_gb):
    (audio_folder / "2_tom_0.wav").write_bytes(b"no sound")
    data = by_name(audio_folder, memory_gb=memory_gb)
    data.setup("fit")
    with pytest.raises(DataError, match=r"cannot read .*2_tom_0\.wav"):
        data.setup("test") or list(data.test_dataloader())
    skipping = by_name(audio_folder, on_corrupt="skip", memory_gb=memory_gb)
    skipping.setup("fit")
    skipping.setup("test")
    for _ in range(2):
        assert sum(len(batch.targets) for batch in skipping.test_dataloader()) == 5
    assert caplog.text.count("skipped") == 1


def test_a_folder_without_sound(tmp_path):
    with pytest.raises(DataError, match=r"no \.flac, \.ogg, \.wav file"):
        AudioFiles(root=str(tmp_path)).setup("fit")


def test_patterns_define_validation_and_test_and_a_speaker_is_in_one_split(audio_folder):
    data = by_name(audio_folder, validation=r"_2\.wav$")
    data.setup("fit")
    data.setup("test")
    assert {stage: len(samples) for stage, samples in data.samples.items()} == {"train": 21, "validation": 3, "test": 6}
    for digit in range(3):
        for speaker in "abcdefgh":
            soundfile.write(audio_folder / f"{digit}_{speaker}_7.wav", np.full(100 + ord(speaker), 7, np.int16), 8000)
    options = {
        "root": str(audio_folder),
        "label": r"^(\d)_",
        "group": r"_(\w+)_",
        "sample_rate": 8000,
        "on_corrupt": "skip",
    }
    (audio_folder / "0_a_7.wav").write_bytes(b"no sound")
    for memory_gb in (0.0, 1.0):
        data = AudioFiles(**options, test_fraction=0.1, validation_fraction=0.1, memory_gb=memory_gb)
        data.setup("fit")
        data.setup("test")
        samples = data.samples["train"].dataset
        training, validation = (
            set(samples.groups[data.samples[part].indices].tolist()) for part in ("train", "validation")
        )
        assert validation
        assert not training & validation
        assert len(samples) == len(samples.groups)
