import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize

from leyden.data import DataModule
from leyden.data.vision import (
    ClipFiles,
    DetectionFiles,
    Digits,
    DigitsDetection,
    DigitsSegmentation,
    DigitsVideo,
    ImageFiles,
    MaskFiles,
    TorchvisionImages,
)
from leyden.data.vision.fit import Fit
from leyden.data.vision.warp import IGNORE_INDEX

WAYS = ["squash", "crop", "pad"]


def rectangle(height, width, top, left, bottom, right):
    image = torch.zeros(1, height, width, dtype=torch.uint8)
    image[:, top:bottom, left:right] = 255
    return image


def bright(image):
    """Left, top, right and bottom of the bright part."""
    samples, columns = ((image[0] > 127).any(dim=axis).nonzero().flatten() for axis in (1, 0))
    return [int(columns[0]), int(samples[0]), int(columns[-1]) + 1, int(samples[-1]) + 1]


@pytest.mark.parametrize(
    ("way", "expected"), [("squash", [15, 10, 45, 30]), ("crop", [0, 10, 60, 30]), ("pad", [15, 16, 45, 23])]
)
def test_a_wide_image(way, expected):
    """400 x 100 pixels with a centred rectangle of 200 x 50, resized to 60 x 40."""
    image, fit = rectangle(100, 400, 25, 100, 75, 300), Fit((40, 60), way)
    assert fit(image).shape == (1, 40, 60)
    assert bright(fit(image)) == pytest.approx(expected, abs=1)
    corners = torch.tensor([[100.0, 25, 300, 75]])
    placed = fit.corners(corners, 100, 400)
    assert placed.clamp(torch.zeros(4), torch.tensor([60, 40, 60, 40]))[0].tolist() == pytest.approx(expected, abs=1)
    assert fit.original_corners(placed, 100, 400)[0].tolist() == pytest.approx(corners[0].tolist(), abs=1e-3)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_the_whole_image_is_squashed_as_ever(interpolation):
    image = torch.randint(0, 255, (3, 50, 30), dtype=torch.uint8)
    plain = resize(image, [20, 24], InterpolationMode(interpolation), antialias=True)
    assert Fit((20, 24), "squash", interpolation)(image).equal(plain)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (7, 5), (40, 60)])
def test_every_size(way, size):
    fit = Fit((40, 60), way)
    assert fit(torch.zeros(3, *size, dtype=torch.uint8)).shape == (3, 40, 60)
    assert fit.original_mask(torch.zeros(40, 60, dtype=torch.uint8), *size, outside=9).shape == size


@pytest.mark.parametrize("way", WAYS)
def test_a_mask_goes_back_to_where_it_came_from(way):
    mask = rectangle(100, 400, 25, 150, 75, 250)
    fit = Fit((40, 60), way)
    back = fit.original_mask(fit(mask, fill=7, mode="nearest-exact")[0], 100, 400, outside=9)
    assert bright(back.unsqueeze(0) * (back != 9)) == pytest.approx([150, 25, 250, 75], abs=4)
    # Cropped pixels are marked, and padding is removed.
    assert set(back.unique().tolist()) == ({0, 9, 255} if way == "crop" else {0, 255})
    assert (back[:, :100] == 9).all() == (way == "crop")


def files(folder):
    for number in range(8):
        place = folder / "images" / "ab"[number % 2] / f"{number}.png"
        for path in (place, folder / "masks" / "ab"[number % 2] / place.name):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rectangle(20, 80, 5, 20, 15, 60)[0].numpy()).save(path)
    return folder


@pytest.fixture
def make(tmp_path):
    """Data modules of every kind that reads images from files or for prediction."""
    root = files(tmp_path)
    annotated = {"root": str(root), "layout": "yolo"}
    masks = {"root": str(root), "class_names": ["out", "in"], "values": [0, 255]}
    return {
        "ImageFiles": lambda **options: ImageFiles(str(root / "images"), **options),
        "MaskFiles": lambda **options: MaskFiles(**masks, **options),
        "TorchvisionImages": lambda **options: TorchvisionImages(dataset=None, **options),
        "Digits": lambda **options: Digits(**options),
        "DigitsSegmentation": lambda **options: DigitsSegmentation(**options),
        "DigitsDetection": lambda **options: DigitsDetection(**options),
        "DetectionFiles": lambda **options: DetectionFiles(**annotated, **options),
        "ClipFiles": lambda **options: ClipFiles(str(root), **options),
        "DigitsVideo": lambda **options: DigitsVideo(**options),
    }


@pytest.mark.parametrize("size", [[24, 36], 24])
@pytest.mark.parametrize("way", WAYS)
def test_height_and_width_everywhere(make, tmp_path, size, way):
    height, width = (24, 24) if size == 24 else size
    for name, build in make.items():
        data: DataModule = build(image_size=size, resize=way)
        if "Clip" in name or "Video" in name:
            assert data.fit.size == (height, width)  # clips have their own tests
            continue
        samples, _ = data.read([tmp_path / "images" / "a" / "0.png"])
        inputs = samples.__getitems__([0]).inputs
        assert inputs.shape[-2:] == (height, width), name
        place = bright(inputs[0])
        assert place == pytest.approx(bright(Fit((height, width), way)(rectangle(20, 80, 5, 20, 15, 60))), abs=1), name


@pytest.mark.parametrize("way", WAYS)
def test_images_and_masks_are_fitted_alike(make, way):
    data = make["MaskFiles"](image_size=[24, 36], resize=way, in_channels=1)
    batch = data.load("train").__getitems__([0])
    inside = batch.targets != IGNORE_INDEX
    assert inside.all() == (way != "pad")
    assert ((batch.inputs[:, 0] > 127) == (batch.targets == 1))[inside].float().mean() > 0.9
    samples, _ = data.read([data.images / "a" / "0.png"])
    data.class_names = ["out", "in"]
    (record,) = data.records(samples, 0, batch.targets[0].where(inside[0], 0))
    predicted, true = np.asarray(record["mask"]), rectangle(20, 80, 5, 20, 15, 60)[0].numpy()
    seen = predicted != 254  # the highest value that is not a class
    assert seen.all() == (way != "crop")
    assert (predicted == true)[seen].mean() > 0.9
    assert sum(record["shares"].values()) == pytest.approx(1, abs=1e-5)


def test_sizes_of_clips(tmp_path):
    data = DigitsVideo(image_size=[16, 40], num_train=16, num_test=8, num_frames=2)
    assert data.load("train").inputs.shape == (16, 1, 2, 16, 40)
    assert data.provided()["image_size"] == (16, 40)
    assert DigitsVideo(image_size=[16, 16]).provided()["image_size"] == 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 0}, "image_size is 0"),
        ({"image_size": [8]}, r"image_size is \[8\]; expected one number or \[height, width\]"),
        ({"image_size": [8, 0]}, r"image_size is \[8, 0\]"),
        ({"image_size": [8, 8, 8]}, r"image_size is \[8, 8, 8\]"),
        ({"resize": "fill"}, "resize is 'fill'; it must be squash, crop or pad"),
        ({"pixel_range": [4095, 0]}, r"pixel_range is \[4095, 0\]"),
        ({"pixel_range": [1]}, r"pixel_range is \[1\]"),
    ],
)
def test_settings_out_of_range(options, message):
    for kind in (Digits, DigitsDetection):
        with pytest.raises(ValueError, match=message):
            kind(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"interpolation": "nearest"}, "interpolation is 'nearest'"),
        ({"mean": [0.5, 0.5]}, r"mean is \[0.5, 0.5\]"),
        ({"std": [0.5, 0.5]}, r"std is \[0.5, 0.5\]"),
        ({"std": -0.5}, "std is -0.5; it must be more than 0"),
        ({"std": [0.5, 0.0, 0.5]}, "it must be more than 0"),
    ],
)
def test_settings_of_images_alone_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        Digits(**options)
