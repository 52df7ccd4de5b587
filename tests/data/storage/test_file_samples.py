import pytest
import torch

from leyden.data import DataError
from leyden.data.core.samples import sample_lengths
from leyden.data.storage.file_samples import FileSamples


def read_bytes(path):
    if not path.read_bytes():
        raise ValueError("the file is empty")
    return torch.tensor(list(path.read_bytes()), dtype=torch.uint8)


@pytest.fixture
def files(tmp_path):
    for name in ("aa", "", "cc"):
        (tmp_path / f"{name or 'empty'}.bin").write_text(name)
    return [tmp_path / f"{name}.bin" for name in ("aa", "empty", "cc")]


def test_a_corrupt_file_is_named(files):
    samples = FileSamples(files, torch.arange(3), read_bytes)
    with pytest.raises(DataError, match=r"cannot read .*empty\.bin: the file is empty"):
        samples.__getitems__([0, 1])


def test_a_corrupt_file_is_skipped_if_configured_and_logged_once(files, caplog):
    samples = FileSamples(files, torch.arange(3), read_bytes, on_corrupt="skip")
    for _ in range(2):
        batch = samples.__getitems__([0, 1, 2])
        assert batch.targets.tolist() == [0, 2]
    assert caplog.text.count("empty.bin") == 1


def test_a_batch_of_corrupt_files_alone_is_an_error(files):
    with pytest.raises(DataError, match="no file of the batch"):
        FileSamples(files, torch.arange(3), read_bytes, on_corrupt="skip").__getitems__([1])


def test_lengths_are_reported_without_files_being_read(files):
    assert sample_lengths(FileSamples(files, torch.arange(3), read_bytes)) is None
    asked = []
    measured = FileSamples(files, torch.arange(3), read_bytes, measure=lambda path: asked.append(path) or len(asked))
    assert [sample_lengths(measured).tolist() for _ in range(2)] == [[1, 2, 3]] * 2
    assert asked == files  # once


@pytest.mark.parametrize("on_corrupt", ["raise", "skip"])
def test_what_reads_many_files_leaves_some_to_the_other(files, on_corrupt):
    asked = []

    def read_many(paths):
        asked.append(paths)
        return [torch.tensor([7, 7], dtype=torch.uint8) if path.name == "aa.bin" else None for path in paths]

    samples = FileSamples(files, torch.arange(3), read_bytes, on_corrupt=on_corrupt, read_many=read_many)
    assert not samples.decodes
    assert samples.__getitems__([2, 0]).inputs.tolist() == [list(b"cc"), [7, 7]]
    assert asked == [[files[2], files[0]]]
    if on_corrupt == "skip":
        assert samples.__getitems__([0, 1, 2]).targets.tolist() == [0, 2]
    else:
        with pytest.raises(DataError, match=r"cannot read .*empty\.bin: the file is empty"):
            samples.__getitems__([0, 1])
