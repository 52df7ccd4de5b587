import pytest

from leyden.data import DataError
from leyden.data.files.file_index import FileIndex


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


def test_patterns_define_label_and_split(folder):
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
        ("file,class\n", "has no rows; expected the columns path and label"),
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


CLASSES = ("cat/1.x", "cat/2.x", "dog/3.x", "dog/4.x")


def in_splits(*splits):
    return [f"{split}/{name}" for split in splits for name in CLASSES]


@pytest.mark.parametrize("validation", ["val", "valid", "validation", "dev", "Val", "VALID", "Validation"])
@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Training", "Testing"), ("TRAIN", "TEST")])
def test_folders_are_splits_by_all_their_usual_names(folder, train, validation, test):
    index = FileIndex(str(folder(*in_splits(train, test), f"{validation}/dog/5.x")), {".x"})
    assert names(index.split("validation")) == [("5.x", "dog")]
    assert {split: len(files) for split, files in index.splits.items()} == {"train": 4, "validation": 1, "test": 4}
    assert index.account().how == {"train": f"{train}/", "validation": f"{validation}/", "test": f"{test}/"}


def test_a_folder_eval_is_the_split_that_is_missing_or_has_to_be_named(folder):
    root = folder(*in_splits("train", "dev", "eval"))
    assert len(FileIndex(str(root), {".x"}).split("test")) == 4
    (root / "dev").rename(root / "test")
    assert len(FileIndex(str(root), {".x"}).split("validation")) == 4
    (root / "test").rename(root / ".test")
    with pytest.raises(
        DataError, match=r"eval/ in .* may hold validation or test files: set 'data.validation=\"\^eval/\"'"
    ):
        _ = FileIndex(str(root), {".x"}).splits
    assert len(FileIndex(str(root), {".x"}, test="^eval/").split("test")) == 4


def test_without_a_folder_for_the_test_there_is_no_test_split(folder):
    index = FileIndex(str(folder(*in_splits("train", "val"))), {".x"})
    assert list(index.splits) == ["train", "validation"]
    assert index.split("test") == []
    assert index.how_to_test.startswith("add a folder test/ beside val/, or set 'data.test=\"^val/\"'")
    tested = FileIndex(str(index.root), {".x"}, test="^val/")
    assert [len(tested.split(split)) for split in ("train", "validation", "test")] == [4, 0, 4]


def test_patterns_for_validation_and_test(folder):
    root = folder(*(f"{digit}_{number}.x" for digit in (3, 7) for number in range(6)))
    index = FileIndex(str(root), {".x"}, label=r"^(\d)", validation=r"_1\.", test=r"_0\.")
    assert {split: len(files) for split, files in index.splits.items()} == {"train": 8, "validation": 2, "test": 2}
    # With a pattern for validation only, the test split is held out of the rest.
    index = FileIndex(str(root), {".x"}, label=r"^(\d)", validation=r"_1\.", test_fraction=0.2)
    assert {split: len(files) for split, files in index.splits.items()} == {"train": 8, "validation": 2, "test": 2}
    assert all("_1." not in file.path.name for file in index.split("train") + index.split("test"))
    with pytest.raises(DataError, match=r"data.validation='none' matches none of the 12 files"):
        _ = FileIndex(str(root), {".x"}, label=r"^(\d)", validation="none").splits


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (("val/1.x", "cat/2.x"), "has the folder val/ beside cat/, named like a split, but no folder train/: add one"),
        (("train/1.x", "cat/2.x"), "has the folder train/ beside cat/, named like a split, but no folder for another"),
        (
            ("pets/train/cat/1.x", "pets/test/cat/2.x"),
            "pets/train/ has the name of a split but lies below another folder: set data.root",
        ),
        (("cat/train/1.x", "cat/test/2.x"), "cat/train/ has the name of a split"),
        (("1.x", "2.x"), r"the files in .*, such as '1\.x', are not in class folders: set data.label"),
        (("train/1.x", "test/2.x"), r"the files in .*train, such as '1\.x', are not in class folders"),
    ],
)
def test_folders_that_are_called_like_splits_and_files_without_a_class_are_refused(folder, found, message):
    with pytest.raises(DataError, match=message):
        _ = FileIndex(str(folder(*found)), {".x"}).splits


def test_a_class_may_be_called_like_a_split_if_the_label_is_set(folder):
    root = folder(*(f"{name}/{number}.x" for name in ("valid", "invalid") for number in range(5)))
    index = FileIndex(str(root), {".x"}, label="([^/]+)/[^/]+$")
    assert {file.label for file in index.split("train")} == {"valid", "invalid"}
    root = folder(
        *(f"{split}/{name}/{number}.y" for split in ("train", "test") for name in ("valid", "no") for number in (1, 2))
    )
    index = FileIndex(str(root), {".y"}, label="([^/]+)/[^/]+$")
    assert [len(index.split(split)) for split in ("train", "validation", "test")] == [4, 0, 4]


def test_the_large_movie_reviews_as_they_are_unpacked(folder):
    """Its unlabelled texts and its lists of addresses are not samples, and the summary counts them."""
    root = folder(
        *(
            f"{split}/{label}/{number}_7.txt"
            for split in ("train", "test")
            for label in ("pos", "neg")
            for number in (0, 1)
        ),
        *(f"train/unsup/{number}_0.txt" for number in range(3)),
        *(f"{split}/urls_{label}.txt" for split in ("train", "test") for label in ("pos", "neg")),
        *("train/labeledBow.feat", "train/unsupBow.feat", "test/labeledBow.feat", "imdb.vocab", "README", "imdbEr.txt"),
    )
    index = FileIndex(str(root), {".txt"})
    assert {file.label for files in index.splits.values() for file in files} == {"pos", "neg"}
    account = index.account()
    assert account.num_samples == {"train": 4, "test": 4}
    assert {reason: count for reason, (count, _) in account.ignored.reasons.items()} == {
        "with another suffix (.feat)": 3,
        "with another suffix (.vocab)": 1,
        "with another suffix (none)": 1,
        "in none of the folders test/, train/": 1,
        "not in a class folder": 4,
        "without a label": 3,
    }
    assert "3 without a label: 0_0.txt" in account.text()


def test_labels_and_paths_are_composed(folder):
    decomposed = "cafe\u0301"  # as in file names on macOS
    root = folder(*(f"{decomposed}/{number}.x" for number in range(5)), f"{decomposed} 7.x")
    assert {file.label for file in FileIndex(str(root), {".x"}).split("train")} == {"caf\u00e9"}
    assert {file.label for file in FileIndex(str(root), {".x"}, label="^(caf\u00e9)").split("train")} == {"caf\u00e9"}


def test_sources_are_kept_together(folder):
    root = folder(*(f"{digit}_{speaker}_{n}.x" for digit in (1, 2) for speaker in "abcdefghij" for n in range(3)))
    index = FileIndex(str(root), {".x"}, label=r"^(\d)", group=r"_(\w)_", test_fraction=0.3)
    train, test = ({file.group for file in index.split(split)} for split in ("train", "test"))
    assert not train & test
    assert len(test) == 3
    assert len(index.split("test")) == 18


def test_memory_of_the_paths_of_training_is_freed(folder):
    index = FileIndex(str(folder(*in_splits("train", "val", "test"))), {".x"})
    assert len(index.split("train")) == 4
    index.forget_training()
    assert list(index.splits) == ["train", "validation", "test"]
    assert len(index.split("test")) == 4
