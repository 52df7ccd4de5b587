import hashlib
import http.server
import tarfile
import threading
from functools import partial

import numpy as np
import pytest
import soundfile
import torch
from torchaudio.datasets import speechcommands

from leyden.data import DataError
from leyden.data.audio import SpeechCommands


@pytest.fixture
def archive(tmp_path):
    """Three words by five speakers in the official layout: the fourth for validation, the fifth for testing."""
    source = tmp_path / "source"
    lists = {"validation_list.txt": [], "testing_list.txt": []}
    for number, word in enumerate(["cat", "dog", "two"], start=1):
        (source / word).mkdir(parents=True)
        for speaker in range(5):
            name = f"{word}/{speaker:08x}_nohash_0.wav"
            soundfile.write(source / name, np.full(1600, number, dtype=np.int16), 16000)
            if speaker >= 3:
                lists["validation_list.txt" if speaker == 3 else "testing_list.txt"].append(name)
    (source / "_background_noise_").mkdir()
    soundfile.write(source / "_background_noise_" / "pink.wav", np.zeros(1600), 16000)
    for name, lines in lists.items():
        (source / name).write_text("\n".join(lines) + "\n")
    (tmp_path / "served").mkdir()
    path = tmp_path / "served" / "commands.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for item in sorted(source.iterdir()):
            tar.add(item, arcname=item.name)
    return path


@pytest.fixture
def url(archive):
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=archive.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/{archive.name}"
        running.shutdown()


# Python 3.12 and later warn about torchaudio's use of tarfile.
@pytest.mark.filterwarnings("ignore:.*filter extracted tar archives:DeprecationWarning")
def test_downloads_checks_and_splits_by_the_official_lists(tmp_path, archive, url, monkeypatch):
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setitem(speechcommands._CHECKSUMS, url, checksum)
    data = SpeechCommands(root=str(tmp_path / "data"), url=url, batch_size=3)
    data.prepare_data()
    archive.unlink()
    data.prepare_data()  # existing files are not downloaded again
    data.setup("fit")
    data.setup("test")
    assert data.class_names == ["cat", "dog", "two"]
    assert {stage: len(samples) for stage, samples in data.samples.items()} == {"train": 9, "validation": 3, "test": 3}
    batch = next(iter(data.test_dataloader()))
    assert torch.equal(batch.inputs[:, 0].long(), batch.targets + 1)
    assert batch.lengths.tolist() == [1600] * 3
    apart = SpeechCommands(root=str(tmp_path / "data"), url=url, memory_gb=0)
    apart.setup("fit")
    apart.setup("test")
    trained_on = {path.name for path in apart.samples["train"].paths}
    assert not trained_on & {path.name for stage in ("validation", "test") for path in apart.samples[stage].paths}


def test_a_wrong_checksum_is_refused(tmp_path, url, monkeypatch):
    monkeypatch.setitem(speechcommands._CHECKSUMS, url, "0" * 64)
    with pytest.raises(DataError, match="invalid hash value"):
        SpeechCommands(root=str(tmp_path / "data"), url=url).prepare_data()


def test_an_address_without_an_answer(tmp_path):
    with pytest.raises(DataError, match="cannot download"):
        SpeechCommands(root=str(tmp_path), url="http://127.0.0.1:9/commands.tar.gz").prepare_data()


def test_nothing_downloaded(tmp_path):
    with pytest.raises(DataError, match="is incomplete"):
        SpeechCommands(root=str(tmp_path)).setup("fit")
