import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from leyden.data.core.error import DataError
from leyden.data.storage.cache import METADATA, Entry, cached, clear, entries

SAMPLES = [np.full((2, 3), number, dtype=np.uint8) for number in range(20)]
RAGGED = [np.full(number, number, dtype=np.int16) for number in (3, 0, 5)]


@pytest.fixture
def entry(tmp_path):
    return Entry(tmp_path, {"of": "digits", "size": 3})


class Build:
    """Returns samples, and counts in a file how often any process calls it."""

    def __init__(self, folder: Path, samples=SAMPLES, seconds=0.0, gate=None):
        self.log, self.samples, self.seconds, self.gate = folder / "builds", samples, seconds, gate

    def __call__(self):
        with self.log.open("a") as file:
            file.write("x")
        while self.gate and not self.gate.exists():
            time.sleep(0.01)
        for sample in self.samples:
            time.sleep(self.seconds)
            yield sample

    @property
    def count(self):
        return len(self.log.read_text()) if self.log.exists() else 0


def take(entry, build, is_ragged=False):
    return cached(entry, build, is_ragged, 120)


def test_samples_are_built_once_and_mapped(entry, tmp_path):
    build = Build(tmp_path)
    first, is_new = take(entry, build)
    again, is_old = take(entry, build)
    assert (is_new, is_old, build.count) == (True, False, 1)
    assert np.array_equal(first.samples, np.stack(SAMPLES))
    assert first.samples.tobytes() == again.samples.tobytes()
    assert isinstance(again.samples, np.memmap)
    assert not again.samples.flags.writeable
    assert again.kept is None
    assert again.lengths is None


def test_samples_of_many_lengths(entry, tmp_path):
    stored, _ = take(entry, Build(tmp_path, RAGGED), is_ragged=True)
    assert stored.lengths.tolist() == [3, 0, 5]
    assert stored.samples.tolist() == [3] * 3 + [5] * 5
    assert stored.samples.dtype == np.int16


def test_samples_that_are_left_out(entry, tmp_path):
    stored, _ = take(entry, Build(tmp_path, [None, SAMPLES[1], None, SAMPLES[3]]))
    assert stored.kept.tolist() == [1, 3]
    assert stored.samples[:, 0, 0].tolist() == [1, 3]


def test_no_sample_at_all(entry, tmp_path):
    stored, _ = take(entry, Build(tmp_path, []))
    assert len(stored.samples) == 0


def test_samples_of_different_sizes_leave_nothing(entry, tmp_path):
    with pytest.raises(DataError, match=r"sample 1 is uint8 \(4,\), the first one uint8 \(2, 3\)"):
        take(entry, Build(tmp_path, [SAMPLES[0], np.zeros(4, np.uint8)]))
    assert entry.read() is None
    assert not entry.part.exists()


@pytest.mark.parametrize(
    "other", [{"of": "digits", "size": 4}, {"of": "digit", "size": 3}, {"of": "digits", "size": 3, "files": "ab"}]
)
def test_whatever_the_samples_depend_on_makes_another_entry(entry, tmp_path, other):
    assert Entry(tmp_path, other).path != entry.path
    assert Entry(tmp_path, {"size": 3, "of": "digits"}).path == entry.path


def overwrite(path):
    with (path / "rows.bin").open("r+b") as file:
        file.seek(17)
        file.write(b"\xff")


DAMAGES = {
    "cut": lambda path: os.truncate(path / "rows.bin", 60),
    "overwritten": overwrite,
    "lost": lambda path: (path / "rows.bin").unlink(),
    "metadata is truncated": lambda path: os.truncate(path / METADATA, 20),
    "metadata is lost": lambda path: (path / METADATA).unlink(),
    "metadata is of another format": lambda path: (path / METADATA).write_text("{}"),
    "metadata is not an object": lambda path: (path / METADATA).write_text("3"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_built_again(entry, tmp_path, damage):
    build = Build(tmp_path)
    take(entry, build)
    DAMAGES[damage](entry.path)
    assert entry.read() is None
    stored, is_new = take(entry, build)
    assert is_new
    assert np.array_equal(stored.samples, np.stack(SAMPLES))
    assert not take(entry, build)[1]


def test_what_may_not_be_used_is_built_again(entry, tmp_path):
    build = Build(tmp_path)
    take(entry, build)
    assert cached(entry, build, False, 120, is_good=lambda stored: False)[1]
    assert build.count == 2


def fork(function):
    """A process that exits with 0 if the function returns."""
    if child := os.fork():
        return child
    code = 1
    try:
        function()
        code = 0
    finally:
        os._exit(code)


def test_of_processes_that_start_at_once_one_builds(entry, tmp_path):
    gate = tmp_path / "gate"
    build = Build(tmp_path, gate=gate)  # continues once this process waits for it

    def wait():
        waits.append(1)
        gate.touch()

    def check():
        assert np.array_equal(take(entry, build)[0].samples, np.stack(SAMPLES))

    children = [fork(check) for _ in range(4)]
    while not build.count:
        time.sleep(0.01)
    waits = []
    stored, is_new = cached(entry, build, False, 120, on_wait=wait)
    assert (is_new, waits) == (False, [1])
    assert np.array_equal(stored.samples, np.stack(SAMPLES))
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert build.count == 1


def test_a_killed_builder_leaves_nothing_that_is_taken_for_whole(entry, tmp_path):
    slow = Build(tmp_path, seconds=0.5)
    child = fork(lambda: take(entry, slow))
    while not entry.part.exists() or not slow.count:
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert entry.part.exists()
    assert entry.read() is None
    stored, is_new = take(entry, Build(tmp_path))
    assert is_new
    assert np.array_equal(stored.samples, np.stack(SAMPLES))
    assert not entry.part.exists()


def test_a_disk_without_room_is_an_error_at_once(entry, tmp_path):
    build = Build(tmp_path)
    with pytest.raises(OSError, match="GB are needed"):
        cached(entry, build, False, 1e18)
    assert build.count == 0
    assert not entry.part.exists()


def test_a_disk_that_fills_up_leaves_what_was_there(entry, tmp_path):
    def full():
        yield SAMPLES[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        take(entry, full)
    assert not entry.part.exists()
    assert entry.read() is None


def test_a_dataset_is_listed_and_cleared_and_others_stay(tmp_path):
    one, other, foreign = (
        Entry(tmp_path, made_of) for made_of in ({"of": "a", "n": 1}, {"of": "a", "n": 2}, {"of": "b"})
    )
    for entry in (one, other, foreign):
        take(entry, Build(tmp_path))
    os.truncate(other.path / "rows.bin", 3)
    other_dead = Entry(tmp_path, {"of": "c"})
    other_dead.part.mkdir()
    (other_dead.part / "rows.bin").write_bytes(b"1234")
    found = {item["path"]: item for item in entries(tmp_path, "a")}
    assert {path: item["is_whole"] for path, item in found.items()} == {one.path: True, other.path: False}
    assert found[one.path]["bytes"] >= 120
    assert found[one.path]["shape"] == [20, 2, 3]
    assert clear(tmp_path, "a") == sum(item["bytes"] for item in found.values()) + 4
    assert entries(tmp_path, "a") == []
    assert not other_dead.part.exists()
    assert foreign.read() is not None


def test_clearing_spares_what_is_being_written(entry, tmp_path):
    entry.part.mkdir()
    with entry.locked():
        child = fork(lambda: clear(tmp_path, "nothing"))
        assert os.waitpid(child, 0)[1] == 0
    assert entry.part.exists()


def test_nothing_to_clear(tmp_path):
    assert clear(tmp_path / "nowhere", "a") == 0
