import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from torchvision.transforms.v2 import ColorJitter, GaussianBlur, RandomHorizontalFlip

from leyden.data import Batch
from leyden.data.vision import DigitsSegmentation, RandomAffine
from leyden.data.vision.segmentation_data import palette
from leyden.data.vision.warp import IGNORE_INDEX


def digits(**options):
    return DigitsSegmentation(num_train=20, num_test=10, in_channels=1, **options)


def test_canvases_and_masks_come_in_storage_types():
    data = digits(batch_size=4)
    data.setup("fit")
    data.setup("test")
    batch = next(iter(data.train_dataloader()))
    assert batch.inputs.shape == (4, 1, 64, 64)
    assert batch.targets.shape == (4, 64, 64)
    assert batch.inputs.dtype is batch.targets.dtype is torch.uint8
    assert data.provided()["ignore_index"] == IGNORE_INDEX
    assert data.class_names == ["background", *"0123456789"]
    assert [len(data.samples[name]) for name in ("train", "validation", "test")] == [18, 2, 10]
    transformed = data.batch_transform("test")(batch)
    assert transformed.targets.dtype is torch.int64
    assert transformed.targets.equal(batch.targets.long())


@pytest.mark.parametrize("flip", [RandomAffine(flip=1.0), RandomHorizontalFlip(p=1.0)], ids=["warp", "torchvision"])
def test_augmentation_moves_image_and_mask_together(flip):
    data = digits(mean=0.0, std=1.0, augment=[flip])
    images, masks = torch.randint(0, 255, (3, 1, 8, 8)).byte(), torch.randint(0, 11, (3, 8, 8)).byte()
    batch = data.batch_transform("train")(Batch(images, masks))
    torch.testing.assert_close(batch.inputs, images.flip(-1) / 255, atol=1e-5, rtol=0)
    assert batch.targets.equal(masks.flip(-1).long())
    still = data.batch_transform("test")(Batch(images, masks))
    assert still.targets.equal(masks.long())


@pytest.mark.parametrize("change", [ColorJitter(brightness=0.5), GaussianBlur(3)], ids=["torchvision", "blur"])
def test_colours_change_in_images_alone(change):
    images, masks = torch.randint(0, 255, (3, 1, 8, 8)).byte(), torch.randint(0, 11, (3, 8, 8)).byte()
    batch = digits(mean=0.0, std=1.0, augment=[change]).batch_transform("train")(Batch(images, masks))
    assert not torch.allclose(batch.inputs, images / 255, atol=1e-3)
    assert batch.targets.equal(masks.long())


def test_prediction_gives_a_mask_of_the_size_of_the_file(tmp_path):
    Image.fromarray(np.zeros((30, 20), np.uint8)).save(tmp_path / "an image.png")
    data = digits()
    data.load("test")
    samples, names = data.read([tmp_path])
    prediction = torch.zeros(64, 64, dtype=torch.uint8)
    prediction[:16] = 3  # the upper quarter
    (record,) = data.records(samples, 0, prediction)
    assert names == [str(tmp_path / "an image.png")]
    assert record["mask"].size == (20, 30)
    values = np.asarray(record["mask"])
    assert set(values[:7].flatten()) == {3}
    assert set(values[8:].flatten()) == {0}
    assert record["shares"] == {"background": 0.75, "0": 0, "1": 0, "2": 0.25, **dict.fromkeys("3456789", 0)}


def test_an_image_that_is_shown_on_its_side(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((30, 20), np.uint8)).save(tmp_path / "side.jpg", exif=exif)
    data = digits()
    data.load("test")
    samples, _ = data.read([tmp_path])
    (record,) = data.records(samples, 0, torch.zeros(64, 64, dtype=torch.uint8))
    assert record["mask"].size == (30, 20)


def test_the_figure_shows_tint_outlines_and_how_much_is_wrong():
    data = digits()
    data.load("test")
    target = torch.zeros(8, 8, dtype=torch.int64)
    target[2:6, 2:6], target[0] = 1, IGNORE_INDEX
    prediction = torch.zeros(8, 8, dtype=torch.uint8)
    prediction[2:6, 2:5] = 1
    axes = Figure().subplots()
    data.draw_prediction(axes, torch.rand(1, 8, 8), target, prediction)
    assert axes.get_title() == "7.1% wrong"  # 4 of the 56 pixels with a class
    tint = axes.images[1].get_array()
    assert ((tint[..., 3] > 0) == (prediction.numpy() == 1)).all()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0"]


def test_colours_are_all_different():
    assert len(set(palette(100))) == 100


@pytest.mark.parametrize("first", ["sky", "Background"])
def test_all_classes_but_a_background_are_tinted_and_in_the_legend(first):
    data = DigitsSegmentation()
    data.class_names = [first, *(f"class {number}" for number in range(1, 11))]
    predicted = torch.arange(11).repeat(16, 1)
    axes = Figure().subplots()
    data.draw_prediction(axes, torch.zeros(data.in_channels, 16, 11), predicted, predicted)
    shown = data.class_names if first == "sky" else data.class_names[1:]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == shown
    opacity = axes.images[-1].get_array()[0, :, 3]
    assert (opacity > 0).tolist() == [name in shown for name in data.class_names]


def test_a_prediction_is_described_by_its_wrong_pixels():
    target = torch.tensor([[0, 1], [2, IGNORE_INDEX]])
    described = digits().describe_prediction(None, target, torch.tensor([[0, 1], [1, 1]], dtype=torch.uint8))
    assert described == {"wrong pixels": pytest.approx(1 / 3, abs=1e-6)}
