import os

import pytest

from leyden.data.files.scan import scan


def counts(found):
    return {reason: count for reason, (count, _) in found.ignored.reasons.items()}


def test_what_is_ignored_is_counted_by_reason(folder):
    root = folder(
        *("b/1.x", "a/2.X", "a/._2.x", "a/.DS_Store", "a/Thumbs.db", "desktop.ini", "__MACOSX/a/3.x"),
        *(".ipynb_checkpoints/4.x", "a/.ipynb_checkpoints/5.x", "notes.txt", "a/list.TXT", "plain"),
    )
    (root / "broken.x").symlink_to("nowhere.x")
    (root / "round.x").symlink_to("round.x")
    os.mkfifo(root / "pipe.x")
    found = scan(root, {".x"})
    assert [path.relative_to(root).as_posix() for path in found.files] == ["a/2.X", "b/1.x"]
    assert counts(found) == {
        "hidden": 4,
        "of the operating system": 3,
        "broken link": 2,
        "with another suffix (.txt)": 2,
        "with another suffix (none)": 1,
        "not a regular file": 1,
    }
    assert "2 broken link: broken.x; 2 with another suffix (.txt): list.TXT" in found.ignored.text()


def test_linked_folders_are_followed_but_not_in_circles(folder, tmp_path_factory):
    root, elsewhere = folder("a/1.x"), tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "deep").mkdir()
    (elsewhere / "deep" / "2.x").touch()
    (root / "b").symlink_to(elsewhere)
    (elsewhere / "deep" / "back").symlink_to(root)
    (root / "a" / "self").symlink_to(root / "a")
    (root / "c.x").symlink_to(root / "a" / "1.x")
    found = scan(root, {".x"})
    assert [path.relative_to(root).as_posix() for path in found.files] == ["a/1.x", "b/deep/2.x", "c.x"]
    assert counts(found) == {"link to an ancestor folder": 2}


def test_the_folder_itself_may_be_hidden_or_a_link(folder):
    root = folder(".data/1.x")
    (root / "link").symlink_to(root / ".data")
    assert len(scan(root / ".data", {".x"}).files) == len(scan(root / "link", {".x"}).files) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_is_counted(folder):
    root = folder("a/1.x", "b/2.x")
    (root / "b").chmod(0)
    try:
        assert counts(scan(root, {".x"})) == {"in a folder that cannot be listed (Permission denied)": 1}
    finally:
        (root / "b").chmod(0o700)


def test_names_that_are_not_utf8_can_be_written(folder):
    root = folder("1.x")
    (root / os.fsdecode(b"\xff.txt")).touch()
    found = scan(root, {".x"})
    assert found.ignored.text().encode()
