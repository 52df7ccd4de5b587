import hashlib
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from torchaudio.datasets import librispeech

from leyden.data import DataError
from leyden.data.audio import LibriSpeech

SUBSETS = {"train-clean-100": ["GO ON", "NO"], "dev-clean": ["ON"], "test-clean": ["NO GO", "O"]}


def fill(root):
    """The official layout: a speaker, a chapter, a file of transcripts beside its audio files."""
    for speaker, (subset, texts) in enumerate(SUBSETS.items(), start=1):
        chapter = root / "LibriSpeech" / subset / str(speaker) / "7"
        chapter.mkdir(parents=True)
        lines = [f"{speaker}-7-{number:04d} {text}\n" for number, text in enumerate(texts)]
        (chapter / f"{speaker}-7.trans.txt").write_text("".join(lines))
        for number in range(len(texts)):
            samples = np.full(1600, 10 * speaker + number, np.int16)
            soundfile.write(chapter / f"{speaker}-7-{number:04d}.flac", samples, 16000)


def test_subsets_and_transcripts(tmp_path):
    fill(tmp_path)
    data = LibriSpeech(root=str(tmp_path))
    data.prepare_data()  # existing files are not downloaded again
    data.setup("fit")
    data.setup("test")
    assert data.alphabet == ["<blank>", " ", "G", "N", "O"]
    assert {stage: len(samples) for stage, samples in data.samples.items()} == {"train": 2, "validation": 1, "test": 2}
    batch = data.samples["test"].__getitems__([0, 1])
    assert batch.inputs[:, 0].tolist() == [30, 31]
    assert [data.text(batch.targets.sample(sample)) for sample in (0, 1)] == ["NO GO", "O"]


# Python 3.12 and later warn about torchaudio's use of tarfile.
@pytest.mark.filterwarnings("ignore:.*filter extracted tar archives:DeprecationWarning")
def test_downloads_are_unpacked(tmp_path, monkeypatch):
    fill(tmp_path / "source")

    def download(url, archive, hash_prefix):
        assert len(hash_prefix) == len(hashlib.sha256().hexdigest())
        subset = url.rpartition("/")[2].removesuffix(".tar.gz")
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(tmp_path / "source" / "LibriSpeech" / subset, arcname=f"LibriSpeech/{subset}")

    monkeypatch.setattr(librispeech, "download_url_to_file", download)
    data = LibriSpeech(root=str(tmp_path / "data"))
    data.prepare_data()
    data.setup("fit")
    assert len(data.samples["train"]) == 2


def test_a_missing_transcript_and_an_unknown_subset(tmp_path):
    fill(tmp_path)
    (chapter,) = Path(tmp_path).glob("LibriSpeech/train*/1/7")
    (chapter / "1-7.trans.txt").write_text("1-7-0000 GO\n")
    with pytest.raises(DataError, match=r"train-clean-100 in .* is incomplete: .*1-7-0001"):
        LibriSpeech(root=str(tmp_path)).setup("fit")
    with pytest.raises(DataError, match="cannot download train-dirty"):
        LibriSpeech(root=str(tmp_path), train="train-dirty").prepare_data()
