import pytest

from leyden.data import DataError
from leyden.data.files.file_index import FileIndex
from leyden.data.files.manifest import Manifest


@pytest.fixture
def listed(folder):
    """Read a manifest of a folder with these files."""
    root = folder("one.x", "two.x", "sub/three.x")

    def read(content, name="list.csv", columns=("label",), **options):
        (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return Manifest(root, name, columns, **options).read()

    return read


def short(entries):
    return [(path.name, cells["label"], split) for path, cells, split in entries]


EXPECTED = [("one.x", "a", "train"), ("two.x", "b", "validation")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.csv", "Path, LABEL ,Split\none.x, a ,Training\n\n two.x,b,DEV\n"),
        ("list.tsv", "label\tpath\tsplit\na\tone.x\ttrain\nb\ttwo.x\tvalid\n"),
        (
            "list.jsonl",
            '{"path": "one.x", "label": "a", "split": "train"}\n{"PATH": "two.x", "label": "b", "split": "val"}',
        ),
        ("list.csv", "path,label,split\r\none.x,a,train\r\ntwo.x,b,val\r\n".encode("utf-16")),
        ("list.csv", "path,label,split\none.x,a,train\ntwo.x,b,val\n".encode("utf-8-sig")),
    ],
)
def test_ways_to_write_the_same(listed, name, content):
    assert short(listed(content, name)) == EXPECTED


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,label\n", "has no rows; expected the columns path and label"),
        ("path,lable\none.x,a\n", r"got \['path', 'lable'\]; did you mean 'lable'"),
        ("path;label\none.x;a\n", "its cells are separated by ';': separate them by commas"),
        ("path,label,Label\none.x,a,a\n", "duplicate column 'label', ignoring case"),
        ("path,label,label\none.x,a,a\n", "duplicate column 'label'"),
        ("path,label\none.x\n", r"list.csv:2: expected 2 cells, \['path', 'label'\], got 1"),
        ("path,label\none.x,a,b\n", r"list.csv:2: expected 2 cells, .*, got 3; quote cells"),
        ("path,label\none.x,  \n", "list.csv:2: the cell of the column 'label' is empty"),
        ("path,label\n,a\n", "list.csv:2: the cell of the column 'path' is empty"),
        ("path,label\none.x,a\ntwo.x,b\n./one.x,b\n", r"list.csv:4: duplicate path './one.x', first in line 2"),
        ("path,label\nnone.x,a\n", "list.csv:2: there is no file"),
        ("path,label,split\none.x,a,train\ntwo.x,a,\n", "list.csv:3: split is ''; expected train, val, test"),
        ("path,label,split\none.x,a,trian\n", "list.csv:2: split is 'trian'"),
        ("path,label,split\none.x,a,train\ntwo.x,a,eval\n", "list.csv:3: split 'eval' may be validation or test"),
        ("path,label,split\none.x,a,test\n", "has no row with the split train, only test"),
        ("path,label\n../one.x,a\n", r"list.csv:2: '../one.x' is outside data.root; set data.allow_outside=true"),
        ("path,label\nsub/../../one.x,a\n", "is outside data.root"),
        ("path,label\n/etc/hostname,a\n", "is outside data.root"),
        ("path,label\ncaf\xe9.x,a\n".encode("latin-1"), r"is not utf-8.*Set data.encoding"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(listed, content, message):
    with pytest.raises(DataError, match=message):
        listed(content)


def test_settings_allow_other_encodings_other_places_and_empty_cells(listed, tmp_path_factory):
    assert listed("path,label\none.x,\xe9\n".encode("latin-1"), encoding="latin-1")[0].cells["label"] == "\xe9"
    other = tmp_path_factory.mktemp("other") / "far.x"
    other.touch()
    assert listed(f"path,label\n{other},a\n", allow_outside=True)[0].path == other
    assert listed("path,label\none.x,\n", may_be_empty=("label",))[0].cells["label"] == ""


def test_a_cell_may_be_longer_than_what_python_reads(listed):
    assert len(listed(f"path,label\none.x,{'a' * 200_000}\n")[0].cells["label"]) == 200_000


def test_names_on_disk_may_be_decomposed_or_composed(listed, folder):
    folder("cafe\u0301.x", "na\u00efve.x")
    entries = listed("path,label\ncaf\u00e9.x,caf\u00e9\nnai\u0308ve.x,cafe\u0301\nsub\\three.x,a\n")
    assert [path.is_file() for path, *_ in entries] == [True] * 3
    assert {cells["label"] for _, cells, _ in entries} == {"caf\u00e9", "a"}


def test_splits_and_groups_of_files_with_an_account(folder):
    root = folder(*(f"{number}.x" for number in range(7)), "notes.txt")
    lines = [
        f"{n}.x,a,{split},{who}"
        for n, (split, who) in enumerate(zip(["train"] * 3 + ["dev"] * 2, "abcde", strict=True))
    ]
    (root / "list.csv").write_text("\n".join(["path,label,split,Speaker", *lines]))
    index = FileIndex(str(root), {".x"}, manifest="list.csv", group="speaker")
    assert {split: [file.group for file in files] for split, files in index.splits.items()} == {
        "train": ["a", "b", "c"],
        "validation": ["d", "e"],
    }
    account = index.account()
    assert account.how == {"train": "column split", "validation": "column split"}
    assert account.ignored.reasons["not in the manifest"] == (2, [str(root / "5.x"), str(root / "6.x")])
    assert index.how_to_test.startswith(f"set the split of some rows of {root / 'list.csv'} to test")
