import pytest
import torch
from torch.utils.data import Subset

from leyden.data import DataError
from leyden.data.rows import FileRows, RaggedRows, TensorRows, row_lengths


def read_bytes(path):
    if not path.read_bytes():
        raise ValueError("the file is empty")
    return torch.tensor(list(path.read_bytes()), dtype=torch.uint8)


@pytest.fixture
def files(tmp_path):
    for name in ("aa", "", "cc"):
        (tmp_path / f"{name or 'empty'}.bin").write_text(name)
    return [tmp_path / f"{name}.bin" for name in ("aa", "empty", "cc")]


def test_tensor_rows_keep_the_storage_dtype():
    rows = TensorRows(torch.arange(12, dtype=torch.uint8).reshape(4, 3), torch.arange(4))
    batch = rows.__getitems__([3, 1])
    assert batch.inputs.tolist() == [[9, 10, 11], [3, 4, 5]]
    assert batch.inputs.dtype is torch.uint8
    assert batch.targets.tolist() == [3, 1]
    assert batch.lengths is None


def test_ragged_rows_are_padded_to_the_longest():
    rows = RaggedRows([torch.ones(n, dtype=torch.int16) for n in (1, 3, 2)], torch.arange(3), padding=7)
    batch = rows.__getitems__([0, 2])
    assert batch.inputs.tolist() == [[1, 7], [1, 1]]
    assert batch.lengths.tolist() == [1, 2]


def test_a_corrupt_file_is_named(files):
    rows = FileRows(files, torch.arange(3), read_bytes)
    with pytest.raises(DataError, match=r"cannot read .*empty\.bin: the file is empty"):
        rows.__getitems__([0, 1])


def test_a_corrupt_file_is_skipped_by_choice_and_said_once(files, capsys):
    rows = FileRows(files, torch.arange(3), read_bytes, on_corrupt="skip")
    for _ in range(2):
        batch = rows.__getitems__([0, 1, 2])
        assert batch.targets.tolist() == [0, 2]
    assert capsys.readouterr().out.count("empty.bin") == 1


def test_a_batch_of_corrupt_files_alone_is_an_error(files):
    with pytest.raises(DataError, match="no file of a whole batch"):
        FileRows(files, torch.arange(3), read_bytes, on_corrupt="skip").__getitems__([1])


def test_rows_tell_their_lengths_without_being_read(files):
    ragged = RaggedRows([torch.ones(n) for n in (1, 3, 2)], torch.arange(3))
    assert row_lengths(ragged).tolist() == [1, 3, 2]
    assert row_lengths(Subset(ragged, [2, 1])).tolist() == [2, 3]
    assert row_lengths(TensorRows(torch.ones(3, 5), torch.arange(3))) is None
    assert row_lengths(FileRows(files, torch.arange(3), read_bytes)) is None
    asked = []
    measured = FileRows(files, torch.arange(3), read_bytes, measure=lambda path: asked.append(path) or len(asked))
    assert [row_lengths(measured).tolist() for _ in range(2)] == [[1, 2, 3]] * 2
    assert asked == files  # once
