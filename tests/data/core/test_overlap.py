import os

from leyden.data.core import overlap
from leyden.data.core.overlap import overlaps


def paths(root, *names):
    return [root / name for name in names]


def test_files_with_the_same_content_and_the_same_file_are_found(folder):
    root = folder("train/1", "train/2", "train/3", "test/4", "test/5", "val/6")
    (root / "train/1").write_bytes(b"a" * 20_000)
    (root / "test/4").write_bytes(b"a" * 20_000)
    (root / "test/5").write_bytes(b"b" + b"a" * 19_999)  # differs only at the beginning
    os.link(root / "train/2", root / "val/7")
    (root / "val/8").symlink_to(root / "train/3")
    splits = {
        "train": paths(root, "train/1", "train/2", "train/3"),
        "validation": paths(root, "val/6", "val/7", "val/8"),
        "test": paths(root, "test/4", "test/5"),
    }
    found = overlaps(splits)
    assert len(found) == 2
    assert "1 samples of the test split are also in the train split, such as" in found[0]
    assert "train/1 and" in found[0]
    assert "2 samples of the validation split are also in the train split" in found[1]


def test_empty_files_and_equal_sizes_are_no_overlap(folder):
    root = folder("train/1", "test/2")
    for name in ("train/3", "test/4"):
        (root / name).touch()
    assert overlaps({"train": paths(root, "train/1", "train/3"), "test": paths(root, "test/2", "test/4", "gone")}) == []


def test_texts():
    assert overlaps({"train": ["one", "two", " "], "test": ["two", "three", " "]}) == [
        "warning: 1 samples of the test split are also in the train split, such as 'two'"
    ]


def test_so_many_files_are_read_and_no_more(folder, monkeypatch):
    root = folder("train/1", "test/2")
    (root / "test/2").write_text("train/1")
    splits = {"train": paths(root, "train/1"), "test": paths(root, "test/2")}
    assert len(overlaps(splits)) == 1
    monkeypatch.setattr(overlap, "MAX_FILES", 1)
    assert overlaps(splits) == []
