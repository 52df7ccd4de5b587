from itertools import chain

import pytest
import torch
from torchvision.io import write_jpeg, write_png

from leyden.data import DataError
from leyden.data.vision import ImageFiles


@pytest.fixture
def folder(tmp_path):
    for label, write in (("cat", write_png), ("dog", write_jpeg)):
        (tmp_path / label).mkdir()
        for number in range(10):
            image = torch.randint(0, 255, (3, 12, 9), dtype=torch.uint8)
            write(image, str(tmp_path / label / f"{number}.{'png' if write is write_png else 'jpg'}"))
    return tmp_path


def test_class_folders_of_png_and_jpg(folder):
    data = ImageFiles(root=str(folder), image_size=8, batch_size=4)
    data.setup("fit")
    data.setup("test")
    assert data.provided() == {
        "num_classes": 2,
        "class_names": ["cat", "dog"],
        "class_counts": [7, 7],
        "in_channels": 3,
        "image_size": 8,
    }
    batch = next(iter(data.train_dataloader()))
    assert batch.inputs.shape == (4, 3, 8, 8)
    assert batch.inputs.dtype is torch.uint8
    assert len(data.samples["test"]) == 4


def test_several_labels_in_a_manifest(folder):
    lines = ["path,label,split", "cat/0.png,cat,train", "cat/1.png,cat;black,train", "dog/0.jpg,dog;black,train"]
    (folder / "list.csv").write_text("\n".join([*lines, "dog/1.jpg,,train", "cat/2.png,black,test"]))
    data = ImageFiles(root=str(folder), manifest="list.csv", label_separator=";", validation_fraction=0.3)
    data.setup("fit")
    data.setup("test")
    assert data.class_names == ["black", "cat", "dog"]
    assert data.samples["train"].dataset.targets.tolist() == [[0, 1, 0], [1, 1, 0], [1, 0, 1], [0, 0, 0]]
    assert data.samples["test"].targets.tolist() == [[1, 0, 0]]


def test_files_are_decoded_once(folder):
    data = ImageFiles(root=str(folder), image_size=8, batch_size=4)
    data.setup("fit")
    first = [batch.inputs for batch in data.val_dataloader()]
    for path in folder.rglob("*.*g"):
        path.unlink()
    assert all(one.equal(two) for one, two in zip(first, [b.inputs for b in data.val_dataloader()], strict=True))


def test_too_many_to_keep_are_read_with_each_batch(folder):
    batches = []
    for memory_gb in (0.0, 1.0):
        data = ImageFiles(root=str(folder), image_size=8, batch_size=4, memory_gb=memory_gb)
        data.setup("fit")
        batches.append(list(data.train_dataloader()))
    for read, kept in zip(*batches, strict=True):
        assert read.inputs.equal(kept.inputs)
        assert read.targets.equal(kept.targets)


@pytest.mark.parametrize("memory_gb", [0.0, 1.0])
def test_a_corrupt_image_is_named_or_skipped(folder, memory_gb):
    (folder / "cat" / "0.png").write_bytes(b"no image")
    options = {"root": str(folder), "batch_size": 20, "validation_fraction": 0.2, "memory_gb": memory_gb}

    def samples(data):
        data.setup("fit")
        data.setup("test")
        return list(chain(data.train_dataloader(), data.val_dataloader(), data.test_dataloader()))

    with pytest.raises(DataError, match=r"cannot read .*0\.png"):
        samples(ImageFiles(**options))
    assert sum(len(batch.targets) for batch in samples(ImageFiles(**options, on_corrupt="skip"))) == 19


def test_a_limit_below_nothing():
    with pytest.raises(ValueError, match=r"memory_gb is -1"):
        ImageFiles(root="nowhere", memory_gb=-1)


def test_a_validation_folder_is_used_and_a_test_that_is_missing_is_reported(folder, log):
    for label in ("cat", "dog"):
        for split in ("Train", "VALID"):
            (folder / split).mkdir(exist_ok=True)
            (folder / split / label).mkdir()
        for number, path in enumerate(sorted((folder / label).iterdir())):
            path.rename(folder / ("VALID" if number < 3 else "Train") / label / path.name)
        (folder / label).rmdir()
    (folder / "Train" / ".ipynb_checkpoints").mkdir()
    (folder / "Train" / ".ipynb_checkpoints" / "0.png").write_bytes((folder / "VALID/cat/0.png").read_bytes())
    (folder / "Train" / "cat" / "copy.png").write_bytes((folder / "VALID/cat/0.png").read_bytes())
    data = ImageFiles(root=str(folder), image_size=8)
    data.setup("fit")
    assert data.class_names == ["cat", "dog"]
    assert {stage: len(samples) for stage, samples in data.samples.items()} == {"train": 15, "validation": 6}
    assert "train 15 (Train/), validation 6 (VALID/), test 0\nignored: 1 hidden: .ipynb_checkpoints" in log.text
    assert "1 samples of the validation split are also in the train split" in log.text
    with pytest.raises(
        DataError, match=r"no test split.*To test: add a folder test/ beside VALID/, or set 'data.test="
    ):
        data.setup("test")


def test_settings_that_exclude_each_other():
    with pytest.raises(ValueError, match=r"manifest is list\.csv, which defines labels and splits: remove label"):
        ImageFiles(root="nowhere", manifest="list.csv", test="a")
    with pytest.raises(ValueError, match="test_fraction is 0"):
        ImageFiles(root="nowhere", test_fraction=0)
