"""Several ranks or hosts write one file: each to a name of its own, until it is complete."""

import os
import platform
import subprocess
import sys
import threading

from leyden.data.storage.cache import Entry
from leyden.io import remove_abandoned, unfinished, write_atomically


def test_no_two_writers_have_one_name(tmp_path):
    """Not even with the same process number, as on two hosts that share a folder."""
    path = tmp_path / ("long name " * 20 + ".json")
    assert len({unfinished(path) for _ in range(100)}) == 100
    assert len(unfinished(path).name.encode()) < 255
    assert len({Entry(tmp_path, {"of": "a"}).part for _ in range(100)}) == 100


def test_a_text_is_always_that_of_one_writer(tmp_path):
    path = tmp_path / "status.json"
    texts = [letter * 100_000 for letter in "abcd"]
    threads = [threading.Thread(target=write_atomically, args=(path, text)) for text in texts for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_dead_have_left_is_removed_and_what_the_living_write_is_not(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    own = unfinished(tmp_path / "last.ckpt")
    left = own.with_name(own.name.replace(f"-{os.getpid()}-", f"-{dead.pid}-"))
    other = own.with_name(own.name.replace(platform.node(), f"not-{platform.node()}"))
    old = other.with_name(other.name.replace("last", "best"))
    nobodys = tmp_path / ".last.ckpt.part"  # of an earlier version
    for path in (own, left, other, old, nobodys):
        path.touch()
    os.utime(old, (1, 1))
    remove_abandoned(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {own.name, other.name}
