from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from leyden.config.build import build
from leyden.config.compose import compose
from leyden.data import DataError
from leyden.data.audio import SpeechFiles

TEXTS = ["no", "on", "no on", "noon"]


@pytest.fixture
def folder(tmp_path):
    """Twelve audio files whose samples hold their index, in folders with spaces in their names."""
    (tmp_path / "my files").mkdir()
    for number in range(12):
        soundfile.write(tmp_path / "my files" / f"{number}.wav", np.full(100 + number, number, np.int16), 8000)
    return tmp_path


def manifest(folder, lines, newline="\n"):
    (folder / "manifest.csv").write_bytes(newline.join(lines).encode("utf-8-sig"))


def data(folder, **speech):
    return SpeechFiles(root=str(folder), sample_rate=8000, batch_size=2, **speech)


def test_without_a_column_split_a_part_is_held_out(folder):
    lines = [f"my files/{number}.wav,{TEXTS[number % 4]}" for number in range(12)]
    manifest(folder, ["path,text", *lines], newline="\r\n")
    speech = data(folder, validation_fraction=0.2)
    speech.setup("fit")
    speech.setup("test")
    assert {stage: len(samples) for stage, samples in speech.samples.items()} == {
        "train": 8,
        "validation": 2,
        "test": 2,
    }
    seen = []
    for loader in (speech.val_dataloader(), speech.test_dataloader()):
        for batch in loader:
            numbers = batch.inputs[:, 0].tolist()
            assert batch.lengths.tolist() == [100 + number for number in numbers]
            assert [speech.text(batch.targets.sample(n)) for n in range(2)] == [TEXTS[number % 4] for number in numbers]
            seen += numbers
    assert len(set(seen)) == 4


def test_the_column_split_is_used_and_the_alphabet_is_that_of_training(folder, tmp_path):
    splits = ["train"] * 6 + ["validation"] * 3 + ["test"] * 3
    samples = [f"my files/{number}.wav,no,{split}" for number, split in enumerate(splits)]
    manifest(folder, ["path,text,split", *samples])
    speech = data(folder)
    speech.setup("fit")
    speech.setup("test")
    assert [len(speech.samples[stage]) for stage in ("train", "validation", "test")] == [6, 3, 3]
    assert speech.provided() == {
        "alphabet": ["<blank>", "n", "o"],
        "separator": "",
        "num_tokens": 3,
        "sample_rate": 8000,
    }
    speech.save(tmp_path)
    restored = data(folder)
    restored.restore(tmp_path)
    assert restored.provided() == speech.provided()


def test_a_character_of_the_test_split_alone(folder):
    samples = ["my files/0.wav,no,train", "my files/1.wav,no,train", "my files/2.wav,nox,test"]
    manifest(folder, ["path,text,split", *samples])
    speech = data(folder, validation_fraction=0.5)
    speech.setup("fit")
    with pytest.raises(DataError, match=r"test split are not in the training split: \['x'\]"):
        speech.setup("test")


def test_kept_waveforms_are_read_once(folder):
    manifest(folder, ["path,text", *(f"my files/{number}.wav,no" for number in range(12))])
    speech = data(folder)
    samples = speech.load("train")
    first = samples.__getitems__([0, 1])
    for path in folder.glob("my files/*.wav"):
        path.unlink()
    assert torch.equal(samples.__getitems__([0, 1]).inputs, first.inputs)


def test_too_long_is_never_truncated(folder):
    manifest(folder, ["path,text", *(f"my files/{number}.wav,no" for number in range(12))])
    with pytest.raises(DataError, match=r"more than data\.max_seconds=0\.01"):
        data(folder, max_seconds=0.01).load("train")
    batches = []
    for storage in ("memory", "memory", "disk"):
        skipping = data(folder, max_seconds=105 / 8000, on_corrupt="skip", storage=storage).load("train")
        batches.append(skipping.__getitems__(list(range(len(skipping)))))
        assert batches[-1].lengths.max() <= 105
        assert len(batches[-1].targets.lengths) == len(batches[-1].inputs) <= 6
        assert batches[-1].inputs.equal(batches[0].inputs)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "has no rows; expected the columns path and text"),
        (["file,text", "a.wav,no"], r"path and text, got \['file', 'text'\]"),
        (["path,text", "a.wav,no"], r"manifest\.csv:2: there is no file .*a\.wav"),
        (["path,text", "my files/0.wav,no, thanks"], r"manifest\.csv:2: expected 2 cells, .*, got 3; quote cells"),
        (["path,text,split", "my files/0.wav,no,devel"], "csv:2: split is 'devel'; expected train, val, test"),
    ],
)
def test_a_wrong_manifest_is_explained(folder, lines, message):
    manifest(folder, lines)
    with pytest.raises(DataError, match=message):
        data(folder).setup("fit")


def test_no_manifest(tmp_path):
    with pytest.raises(DataError, match=r"there is no manifest .*manifest\.csv"):
        data(tmp_path).setup("fit")


def test_a_fraction_out_of_range(tmp_path):
    with pytest.raises(ValueError, match="test_fraction is 1"):
        data(tmp_path, test_fraction=1.0)


def test_a_manifest_without_test_rows_and_with_speakers(folder, log):
    samples = [f"my files/{number}.wav,no,{split}" for number, split in enumerate(["Train"] * 6 + ["dev"] * 2)]
    manifest(folder, ["Path,TEXT,Split", *samples])
    speech = data(folder)
    speech.setup("fit")
    assert {stage: len(samples) for stage, samples in speech.samples.items()} == {"train": 6, "validation": 2}
    assert "train 6 (column split), validation 2 (column split), test 0" in log.text
    assert "ignored: 4 not in the manifest: 10.wav" in log.text
    with pytest.raises(
        DataError, match=r"there is no test split.*set the split of some rows of .*manifest\.csv to test"
    ):
        speech.setup("test")
    samples = [f"my files/{number}.wav,no,{'abcd'[number % 4]}" for number in range(12)]
    manifest(folder, ["path,text,speaker", *samples])
    speech = data(folder, group="speaker", test_fraction=0.25, validation_fraction=0.3)
    speech.setup("fit")
    speech.setup("test")
    assert {stage: len(samples) for stage, samples in speech.samples.items()} == {
        "train": 6,
        "validation": 3,
        "test": 3,
    }
    speakers = [
        {number % 4 for batch in loader for number in batch.inputs[:, 0].tolist()}
        for loader in (speech.train_dataloader(), speech.val_dataloader(), speech.test_dataloader())
    ]
    assert [len(one) for one in speakers] == [2, 1, 1]
    assert set.union(*speakers) == {0, 1, 2, 3}


def test_the_layout_of_ljspeech(tmp_path):
    """Cells separated by bars, quotes that are part of the text, no header, ids instead of paths."""
    (tmp_path / "wavs").mkdir()
    lines = []
    for number in range(10):
        soundfile.write(tmp_path / "wavs" / f"LJ-{number}.wav", np.full(100 + number, number, np.int16), 8000)
        lines.append(f'LJ-{number}|"No, 1.|"no, one.')
    (tmp_path / "metadata.csv").write_text("\n".join(lines))
    words = [
        "data.manifest=metadata.csv",
        "data.delimiter='|'",
        "data.columns=[path,original,text]",
        "data.path=wavs/*.wav",
    ]
    settings = compose(["data=audio/speech_files", f"data.root={tmp_path}", *words], Path.cwd()).config["data"]
    speech: SpeechFiles = build(settings, {})
    speech.setup("fit")
    speech.setup("test")
    assert sum(map(len, speech.samples.values())) == 10
    assert speech.text(next(iter(speech.test_dataloader())).targets.sample(0)) == '"no, one.'
    with pytest.raises(DataError, match=r"separated by '\|': set data\.delimiter"):
        SpeechFiles(str(tmp_path), manifest="metadata.csv").setup("fit")
    with pytest.raises(DataError, match=r"metadata\.csv:1: there is no file .*wavs/LJ-0\.flac"):
        SpeechFiles(
            **{key: value for key, value in settings.items() if key != "_target_"} | {"path": "wavs/*.flac"}
        ).setup("fit")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "wavs"}, "path is 'wavs'; expected exactly one \\*"),
        ({"delimiter": "||"}, r"delimiter is '\|\|'; expected one character"),
        ({"columns": ["id", "text"]}, "expected path and text among them"),
    ],
)
def test_settings_of_manifests_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        SpeechFiles("nowhere", **options)
