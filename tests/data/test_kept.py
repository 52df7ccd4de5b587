import pytest
import torch

from leyden.data import DataError
from leyden.data.kept import kept_in_memory
from leyden.data.rows import FileRows, TensorRows


@pytest.fixture
def counted(tmp_path):
    """Four files, each its own number, and how often they were read."""
    paths = [tmp_path / f"{number}.txt" for number in range(4)]
    for number, path in enumerate(paths):
        path.write_text(str(number))
    reads = []

    def read(path):
        reads.append(path.name)
        return torch.full((1024,), int(path.read_text()), dtype=torch.uint8)

    return paths, read, reads


def test_files_that_fit_are_read_once(counted):
    paths, read, reads = counted
    rows = kept_in_memory(FileRows(paths, torch.arange(4), read), gibibytes=4096 / 2**30)
    before = len(reads)
    for _ in range(3):
        batch = rows.__getitems__([3, 0])
        assert batch.inputs[:, 0].tolist() == batch.targets.tolist() == [3, 0]
    assert len(reads) == before
    assert set(reads) == {path.name for path in paths}


def test_files_that_do_not_fit_are_read_when_needed(counted):
    paths, read, _ = counted
    rows = FileRows(paths, torch.arange(4), read)
    assert kept_in_memory(rows, gibibytes=4095 / 2**30) is rows


def test_corrupt_files_are_named_or_leave_no_row(counted):
    paths, read, _ = counted
    paths[0].write_text("zero")
    with pytest.raises(DataError, match=r"cannot read .*0\.txt"):
        kept_in_memory(FileRows(paths, torch.arange(4), read), 1.0)
    rows = kept_in_memory(FileRows(paths, torch.arange(4), read, on_corrupt="skip"), 1.0)
    assert isinstance(rows, TensorRows)
    assert rows.targets.tolist() == rows.inputs[:, 0].tolist() == [1, 2, 3]


def test_nothing_but_corrupt_files(counted):
    paths, read, _ = counted
    for path in paths:
        path.write_text("none")
    with pytest.raises(DataError, match="none of 4 files could be read"):
        kept_in_memory(FileRows(paths, torch.arange(4), read, on_corrupt="skip"), 1.0)
