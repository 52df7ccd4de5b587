import pytest

from leyden.data import DataError
from leyden.data.file_index import FileIndex
from leyden.data.files import expand_inputs
from leyden.errors import UserError


@pytest.fixture
def folder(tmp_path):
    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return make


def names(files):
    return [(file.path.name, file.label) for file in files]


def test_train_and_test_folders(folder):
    index = FileIndex(str(folder("train/cat/1.x", "train/dog/2 b.X", "test/cat/3.x", "train/cat/notes.txt")), {".x"})
    assert names(index.split("train")) == [("1.x", "cat"), ("2 b.X", "dog")]
    assert names(index.split("test")) == [("3.x", "cat")]


def test_class_folders_alone_are_split_once_and_for_all(folder):
    root = folder(*(f"{label}/{n}.x" for label in "ab" for n in range(10)))
    train, test = (FileIndex(str(root), {".x"}, test_fraction=0.3).split(split) for split in ("train", "test"))
    assert [sum(file.label == label for file in test) for label in "ab"] == [3, 3]
    assert not set(train) & set(test)
    assert len(train) + len(test) == 20


def test_patterns_tell_label_and_split(folder):
    index = FileIndex(str(folder("7_tom_0.x", "7_tom_5.x", "3_ann_4.x")), {".x"}, label=r"^(\d)_", test=r"_[0-4]\.x$")
    assert names(index.split("train")) == [("7_tom_5.x", "7")]
    assert names(index.split("test")) == [("3_ann_4.x", "3"), ("7_tom_0.x", "7")]


def test_manifest(folder):
    root = folder("one.x", "two.x", "three.x")
    (root / "list.csv").write_text("path,label,split\none.x,a,train\ntwo.x,b,test\nthree.x,a,train\n")
    index = FileIndex(str(root), {".x"}, manifest="list.csv")
    assert names(index.split("train")) == [("one.x", "a"), ("three.x", "a")]
    assert names(index.split("test")) == [("two.x", "b")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\nnone.x,a\n", r"list\.csv:2: there is no file"),
        ("file,class\n", "needs the columns path and label"),
    ],
)
def test_a_wrong_manifest(folder, text, message):
    root = folder("one.x")
    (root / "list.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        FileIndex(str(root), {".x"}, manifest="list.csv").split("train")


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        FileIndex(str(tmp_path / "nowhere"), {".x"}).split("train")
    with pytest.raises(DataError, match=r"no \.x file in"):
        FileIndex(str(tmp_path), {".x"}).split("train")


def test_a_label_that_does_not_match(folder):
    with pytest.raises(DataError, match=r"does not match 'seven\.x'"):
        FileIndex(str(folder("seven.x")), {".x"}, label=r"^(\d)").split("train")


def test_files_may_be_left_out(folder):
    root = folder("train/pos/1.x", "train/unsup/2.x", "test/pos/3.x", "train/urls.x")
    assert names(FileIndex(str(root), {".x"}, only="/pos/").split("train")) == [("1.x", "pos")]
    with pytest.raises(DataError, match=r"data\.only='/neg/' matches none of the 4 files"):
        FileIndex(str(root), {".x"}, only="/neg/").split("train")


def test_inputs_of_a_command_line(folder):
    root = folder("a/1.x", "a/2.x", "b.x", "c.y")
    assert [path.name for path in expand_inputs([root / "b.x", root / "a"], {".x"})] == ["b.x", "1.x", "2.x"]
    with pytest.raises(UserError, match="there is no file or folder"):
        expand_inputs([root / "none.x"], {".x"})
    with pytest.raises(UserError, match=r"is none of \.x"):
        expand_inputs([root / "c.y"], {".x"})
    with pytest.raises(UserError, match=r"no \.z file in"):
        expand_inputs([root], {".z"})
