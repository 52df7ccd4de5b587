import re

import pytest
import torch

from leyden.data import DataError
from leyden.data.storage.decode import decoded
from leyden.data.storage.file_samples import FileSamples
from leyden.data.storage.storage import Storage


def test_a_file_that_could_not_be_read_for_a_moment_is_a_sample_again(tmp_path):
    """Errors of the network file system leave the file unchanged."""
    paths = [tmp_path / f"{n}.bin" for n in range(4)]
    for path in paths:
        path.write_bytes(b"")
    away = {2}

    def read(path):
        if int(path.stem) in away:
            raise OSError("input/output error")
        return torch.full((2,), int(path.stem), dtype=torch.uint8)

    storage = Storage(cache=str(tmp_path / "cache"))

    def samples():
        files = FileSamples(paths, torch.arange(4), read, on_corrupt="skip", made_of={"of": "test"})
        return decoded(files, storage)

    assert samples().targets.tolist() == [0, 1, 3]
    assert samples().targets.tolist() == [0, 1, 3]
    away.clear()
    assert samples().inputs[:, 0].tolist() == [0, 1, 2, 3]


def test_samples_read_batch_by_batch_cannot_live_on_a_device(tmp_path):
    files = FileSamples([1], torch.zeros(1), lambda path: torch.zeros(1))
    with pytest.raises(DataError, match=r"storage=device, but the samples \(FileSamples\) are read batch by batch"):
        Storage("device").move(files, torch.device("cpu"))
    assert not Storage("memory").move(files, torch.device("cpu"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"place": "gpu"}, "storage is 'gpu'; it must be device, memory, disk"),
        ({"memory_gb": -1}, "memory_gb is -1"),
    ],
)
def test_wrong_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Storage(**options)
