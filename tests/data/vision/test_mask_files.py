import numpy as np
import pytest
import torch
from PIL import Image

from leyden.data import DataError
from leyden.data.vision import MaskFiles
from leyden.data.vision.warp import IGNORE_INDEX

CELL, WALL = 255, 0


@pytest.fixture
def folder(tmp_path):
    """Ten images of 12 x 10 pixels, bright in the left half, where the mask is 255."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for number in range(10):
        mask = np.zeros((10, 12), np.uint8)
        mask[:, :6] = CELL
        Image.fromarray(mask // 2).save(tmp_path / "images" / f"cell {number}.{'jpg' if number % 2 else 'png'}")
        Image.fromarray(mask).save(tmp_path / "masks" / f"cell {number}.png")
    return tmp_path


def files(folder, **options):
    known = {"class_names": ["wall", "cell"], "values": [WALL, CELL], "image_size": 8, "in_channels": 1}
    return MaskFiles(root=str(folder), **known | options)


def everything(data):
    data.setup("fit")
    data.setup("test")
    return [
        batch for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()) for batch in loader
    ]


@pytest.mark.parametrize("memory_gb", [4.0, 0.0])
def test_images_and_masks_stay_aligned(folder, memory_gb):
    data = files(folder, batch_size=7, memory_gb=memory_gb)
    batches = everything(data)
    assert sum(len(batch.targets) for batch in batches) == 10
    assert data.provided() == {
        "num_classes": 2,
        "class_names": ["wall", "cell"],
        "in_channels": 1,
        "image_size": 8,
        "ignore_index": 255,
    }
    for batch in batches:
        assert batch.inputs.dtype is batch.targets.dtype is torch.uint8
        assert batch.inputs.shape[1:] == (1, 8, 8)
        assert batch.targets[:, :, :4].unique().tolist() == [1]
        assert batch.targets[:, :, 4:].unique().tolist() == [0]
        assert (batch.inputs[:, 0, :, :3] > 100).all()
        assert (batch.inputs[:, 0, :, 5:] < 30).all()


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGB"])
def test_masks_of_class_numbers(folder, mode):
    for path in (folder / "masks").iterdir():
        mask = Image.fromarray((np.asarray(Image.open(path)) == CELL).astype(np.uint8))
        if mode == "P":
            mask.putpalette([0, 0, 0, 200, 10, 10])
        elif mode == "1":
            mask = mask.point(lambda value: 255 * value).convert("1")
        elif mode == "RGB":
            mask = mask.convert("RGB")
        mask.save(path)
    (batch, *_) = everything(files(folder, values=None))
    assert batch.targets[0].unique().tolist() == [0, 1]


def test_a_value_without_class(folder):
    path = folder / "masks" / "cell 3.png"
    mask = np.array(Image.open(path))
    mask[0] = 128
    Image.fromarray(mask).save(path)
    with pytest.raises(DataError, match=r"cell 3\.jpg: its mask .*cell 3\.png has the values 128; expected 0, 255"):
        everything(files(folder))
    batches = everything(files(folder, ignore=128, image_size=10))
    assert sum(int((batch.targets == IGNORE_INDEX).sum()) for batch in batches) == 10
    assert sum(len(batch.targets) for batch in everything(files(folder, on_corrupt="skip", batch_size=1))) == 9


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: Image.new("L", (10, 12)).save(path), r"is 10 x 12 pixels; the image is 12 x 10"),
        (lambda path: Image.new("RGB", (12, 10), (9, 0, 0)).save(path), r"is in colour \(RGB\)"),
        (lambda path: path.write_bytes(b"none"), r"cannot read .*cell 3\.jpg: cannot identify image"),
        (lambda path: path.unlink(), r"1 images have no mask in .*masks, such as .*cell 3\.jpg"),
        (lambda path: path.with_suffix(".tif").touch(), r"have the same name"),
    ],
)
def test_wrong_masks_are_named(folder, spoil, message):
    spoil(folder / "masks" / "cell 3.png")
    with pytest.raises(DataError, match=message):
        everything(files(folder))


def test_lists_define_the_splits(folder):
    (folder / "train.txt").write_text("cell 0\r\ncell 1.jpg\n\ncell 2\n")
    (folder / "test.txt").write_text("cell 3\n")
    data = files(folder, train_list="train.txt", test_list="test.txt", validation_fraction=0.3)
    everything(data)
    assert [len(data.samples[name]) for name in ("train", "validation", "test")] == [2, 1, 1]
    data = files(folder, train_list="train.txt", test_list="test.txt")
    (folder / "test.txt").write_text("cel 3\n")
    with pytest.raises(DataError, match=r"test\.txt:1: there is no image 'cel 3' .*did you mean 'cell 3'"):
        data.load("test")
    (folder / "test.txt").unlink()
    with pytest.raises(DataError, match=r"there is no file .*test\.txt"):
        data.load("test")


def test_a_pattern_or_folders_define_the_test_split(folder):
    data = files(folder, test=r"cell [0-2]\.")
    assert [len(data.load(split)) for split in ("train", "test")] == [7, 3]
    for kind in ("images", "masks"):
        for split in ("train", "test"):
            (folder / kind / split).mkdir()
        for path in list((folder / kind).glob("cell*")):
            path.rename(path.parent / ("test" if "9" in path.name else "train") / path.name)
    assert [len(files(folder).load(split)) for split in ("train", "test")] == [9, 1]


def test_folders_and_lists_define_validation(folder, log):
    (folder / "validation.txt").write_text("cell 5\ncell 6\n")
    (folder / "train.txt").write_text("cell 0\ncell 1\n")
    (folder / "test.txt").write_text("cell 3\n")
    lists = {"train_list": "train.txt", "validation_list": "validation.txt", "test_list": "test.txt"}
    data = files(folder, **lists)
    everything(data)
    assert [len(data.samples[name]) for name in ("train", "validation", "test")] == [2, 2, 1]
    assert "train 2 (train.txt), validation 2 (validation.txt), test 1 (test.txt)\nignored: 5 in no list" in log.text
    (folder / "train.txt").write_text("cell 0\ncell 0.png\n")
    with pytest.raises(DataError, match=r"train\.txt:2: duplicate image 'cell 0\.png'"):
        everything(files(folder, **lists))
    for kind in ("images", "masks"):
        for split in ("train", "Val"):
            (folder / kind / split).mkdir()
        for path in list((folder / kind).glob("cell*")):
            path.rename(path.parent / ("Val" if "9" in path.name else "train") / path.name)
    (folder / "images" / "train" / "cell 8.png").unlink()
    data = files(folder)
    data.setup("fit")
    assert [len(data.samples[name]) for name in ("train", "validation")] == [8, 1]
    assert "ignored: 1 mask without an image: cell 8.png" in log.text
    with pytest.raises(DataError, match="there is no test split"):
        data.setup("test")


def test_images_of_one_source_are_in_one_split(folder):
    data = files(folder, group=r"cell (\d)", test_fraction=0.2, validation_fraction=0.2)
    everything(data)
    assert [len(data.samples[name]) for name in ("train", "validation", "test")] == [6, 2, 2]
    data = files(folder, group="cell", test=r"cell [01]\.")
    with pytest.raises(DataError, match=r"data\.group puts all samples into one group"):
        data.setup("fit")


@pytest.mark.parametrize(
    ("image", "mask", "settings"),
    [
        ("{split}/{name}.png", "{split}annot/{name}.png", {"images": "*", "masks": "*annot"}),
        ("{split}/images/{name}.jpg", "{split}/masks/{name}.png", {"images": "*/images", "masks": "*/masks"}),
        ("{split}/a/{name}.png", "gt/{split}/a/{name}.png", {"images": "*", "masks": "gt/*"}),
    ],
)
def test_folders_of_each_split_by_setting(tmp_path, image, mask, settings):
    """CamVid has `train/` and `trainannot/`; others have `train/images/` and `train/masks/`."""
    for number, split in enumerate(["train"] * 4 + ["val"] * 2 + ["test"]):
        cells = np.zeros((10, 12), np.uint8)
        cells[:, :6] = CELL
        for pattern, pixels in ((image, cells // 2), (mask, cells)):
            path = tmp_path / pattern.format(split=split, name=number)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    data = files(tmp_path, batch_size=2, **settings)
    batches = everything(data)
    assert {split: len(samples) for split, samples in data.samples.items()} == {"train": 4, "validation": 2, "test": 1}
    for batch in batches:
        assert batch.targets[:, :, :4].unique().tolist() == [1]
        assert (batch.inputs[:, 0, :, :3] > 100).all()
    ignored = data.count_samples().plain()["ignored"]
    assert not {reason for reason in ignored if "without an image" in reason}
    (tmp_path / mask.format(split="train", name=0)).unlink()
    with pytest.raises(DataError, match="1 images have no mask in"):
        files(tmp_path, **settings).load("train")


def test_without_a_test_folder_in_its_own_layout(tmp_path):
    for number in range(10):
        for name, pixels in (("train", 100), ("trainannot", CELL)):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(np.full((4, 4), pixels, np.uint8)).save(tmp_path / name / f"{number}.png")
    data = files(tmp_path, images="*", masks="*annot", test=r"[0-2]\.png")
    assert [len(data.load(split)) for split in ("train", "test")] == [7, 3]


def test_the_layout_of_voc(folder):
    for old, new in (("images", "JPEGImages"), ("masks", "SegmentationClass")):
        (folder / old).rename(folder / new)
    (folder / "ImageSets" / "Segmentation").mkdir(parents=True)
    for split, names in (("train", [1, 3, 5]), ("val", [7])):
        (folder / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("".join(f"cell {n}\n" for n in names))
    from leyden.config.build import build
    from leyden.config.compose import compose, project_root

    config = compose(["data=vision/voc_segmentation", f"data.root={folder}"], project_root()).config["data"]
    samples = build(config | {"seed": 0}, {}).load("train")
    # The wall's 0 is the background of VOC, and 255 an ignored border.
    assert samples.__getitems__([0, 1, 2]).targets.unique().tolist() == [0, IGNORE_INDEX]


def test_predicted_masks_can_be_read_as_masks(folder):
    data = files(folder)
    data.load("test")
    samples, _ = data.read([folder / "images" / "cell 4.png"])
    prediction = torch.zeros(8, 8, dtype=torch.uint8)
    prediction[:, :4] = 1
    (record,) = data.records(samples, 0, prediction)
    assert record["shares"] == {"wall": 0.5, "cell": 0.5}
    record["mask"].save(folder / "predicted.png")
    true = Image.open(folder / "masks" / "cell 4.png")
    assert np.array_equal(np.asarray(Image.open(folder / "predicted.png")), np.asarray(true))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_names": ["one"], "values": None}, "class_names has 1 names"),
        ({"values": [0]}, "values has 1 values for 2 classes"),
        ({"values": [0, 256]}, "expected distinct values from 0 to 255"),
        ({"values": [7, 7]}, "expected distinct values"),
        ({"ignore": 300}, "ignore is 300"),
        ({"ignore": 255}, "ignore is 255, which is also a class"),
        ({"ignore": 1, "values": None}, "ignore is 1, which is also a class"),
        ({"train_list": "train.txt"}, "set both or neither"),
        ({"images": "*"}, r"images=\*, masks=masks: expected one \* in both or in neither"),
        ({"images": "*/*", "masks": "*/*"}, r"one \* in both"),
    ],
)
def test_arguments_out_of_range(folder, options, message):
    with pytest.raises(ValueError, match=message):
        files(folder, **options)
