import logging
import multiprocessing
import os

import pytest
import torch

from leyden.data import DataError
from leyden.data.core.samples import RaggedSamples, TensorSamples
from leyden.data.storage import decode
from leyden.data.storage.decode import decode_all, decoded
from leyden.data.storage.file_samples import FileSamples
from leyden.data.storage.storage import Storage

NUM_FILES = 40


class Reader:
    """A file holds its index; counts how often each file is read."""

    def __init__(self, length=lambda number: 2, broken=()):
        self.length, self.broken, self.counts = length, broken, torch.zeros(NUM_FILES, dtype=torch.int64)

    def __call__(self, path):
        number = int(path.stem)
        self.counts[number] += 1
        if number in self.broken:
            raise ValueError("it is broken")
        return torch.full((self.length(number),), number, dtype=torch.int16)


@pytest.fixture
def paths(tmp_path):
    return [tmp_path / f"{number}.bin" for number in range(NUM_FILES)]


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger="leyden.data")
    return caplog


def test_each_file_is_decoded_once_and_kept(paths, log):
    reader = Reader()
    samples = decoded(FileSamples(paths, torch.arange(NUM_FILES), reader), Storage())
    assert isinstance(samples, TensorSamples)
    read = reader.counts.clone()
    assert read.max() <= 2  # some are read twice, to estimate the size of all
    for _ in range(3):
        batch = samples.__getitems__([7, 39, 0])
        assert batch.inputs.tolist() == [[7, 7], [39, 39], [0, 0]]
        assert batch.targets.tolist() == [7, 39, 0]
    assert reader.counts.equal(read)
    assert "40 files decoded in" in log.text


def test_samples_of_many_lengths(paths):
    files = FileSamples(paths, torch.arange(NUM_FILES), Reader(lambda number: number + 1), ragged=True)
    samples = decoded(files, Storage())
    assert isinstance(samples, RaggedSamples)
    one, other = files.__getitems__([3, 20]), samples.__getitems__([3, 20])
    assert all(left.equal(right) for left, right in zip(one, other, strict=True))


@pytest.mark.parametrize(("memory_gb", "is_kept"), [(159e-9, False), (160e-9, True), (0, False)])
def test_what_does_not_fit_stays_on_disk_and_is_reported(paths, log, memory_gb, is_kept):
    files = FileSamples(paths, torch.arange(NUM_FILES), Reader())  # 40 files of 4 bytes
    assert (decoded(files, Storage(memory_gb=memory_gb)) is files) != is_kept
    assert ("decoded in every epoch" in log.text) != is_kept


def test_a_broken_file_is_named(paths):
    with pytest.raises(DataError, match=r"cannot read .*17\.bin: it is broken"):
        decoded(FileSamples(paths, torch.arange(NUM_FILES), Reader(broken=[17])), Storage())


def test_a_broken_file_that_is_skipped_is_no_sample(paths, caplog):
    files = FileSamples(paths, torch.arange(NUM_FILES), Reader(broken=[0, 17]), on_corrupt="skip")
    samples = decoded(files, Storage())
    assert samples.targets.tolist() == [number for number in range(NUM_FILES) if number not in (0, 17)]
    assert samples.inputs[:, 0].tolist() == samples.targets.tolist()
    assert caplog.text.count("skipped") == 2


def test_nothing_but_broken_files(paths):
    files = FileSamples(paths, torch.arange(NUM_FILES), Reader(broken=range(NUM_FILES)), on_corrupt="skip")
    with pytest.raises(DataError, match="none of 40 files could be read"):
        decoded(files, Storage())


@pytest.fixture
def in_processes(monkeypatch):
    monkeypatch.setattr(decode, "INLINE_DECODE_SECONDS", 0.0)


@pytest.mark.usefixtures("in_processes")
def test_files_are_decoded_side_by_side_and_come_in_order():
    together = multiprocessing.Barrier(2, timeout=20)  # a single process would wait forever

    def double(number):
        if number % 16 == 0:
            together.wait()
        return 2 * number, os.getpid()

    numbers, processes = zip(*decode_all(range(64), double), strict=True)
    assert numbers == tuple(range(0, 128, 2))
    assert len(set(processes)) > 1
    assert os.getpid() not in processes


@pytest.mark.usefixtures("in_processes")
def test_decoding_draws_no_random_numbers():
    before = torch.random.get_rng_state()
    assert list(decode_all(range(64), str)) == [str(number) for number in range(64)]
    assert torch.random.get_rng_state().equal(before)


@pytest.mark.usefixtures("in_processes")
def test_one_core_alone_decodes_without_a_warning(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0})
    assert list(decode_all(range(64), str)) == [str(number) for number in range(64)]


def test_what_takes_no_time_starts_no_process():
    assert set(decode_all(range(64), lambda number: os.getpid())) == {os.getpid()}


@pytest.mark.usefixtures("in_processes")
@pytest.mark.parametrize("cache", [True, False])
def test_samples_of_other_processes(paths, tmp_path, log, cache):
    files = FileSamples(paths, torch.arange(NUM_FILES), Reader(lambda number: number + 1), ragged=True)
    for path in paths:
        path.touch()
    files.made_of = {"of": "numbers"}
    samples = decoded(files, Storage(cache=str(tmp_path / "cache") if cache else None))
    one, other = files.__getitems__([3, 20]), samples.__getitems__([3, 20])
    assert all(left.equal(right) for left, right in zip(one, other, strict=True))
    assert ("mapped from" in log.text) == cache


@pytest.mark.usefixtures("in_processes")
def test_a_broken_file_is_named_without_a_traceback(paths):
    with pytest.raises(DataError, match=r"^cannot read .*17\.bin: it is broken\n") as caught:
        decoded(FileSamples(paths, torch.arange(NUM_FILES), Reader(broken=[17])), Storage())
    assert "Traceback" not in str(caught.value)
