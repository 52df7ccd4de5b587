"""Decoding on the CPU in place of a GPU: the rest is TorchCodec's."""

import sys

import pytest
import torch
from PIL import ExifTags, Image

from leyden.data import DataError
from leyden.data.vision import ImageFiles, image_files, jpegs
from leyden.data.vision.fit import Fit
from leyden.data.vision.jpegs import decode_jpegs
from leyden.data.vision.pixels import PixelReader

pytest.importorskip("torchcodec")

HERE = torch.device("cpu")
SIZE = (24, 20)


def read_pixels(path, in_channels):
    return PixelReader(in_channels, Fit(SIZE), None, lambda kind, text: None).read(path)


def image(number, mode="RGB"):
    """Smooth images without symmetries, a different one for each index."""
    down, across = torch.meshgrid(torch.arange(48.0), torch.arange(40.0), indexing="ij")
    channels = torch.stack([4 * down, 5 * across, (down * across / 10 + 9 * number) % 256])
    return Image.fromarray(channels.to(torch.uint8).movedim(0, -1).numpy()).convert(mode)


def save(path, image, orientation=1):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image.save(path, exif=exif, quality=95)
    return path


def decoded(paths, in_channels=3):
    return decode_jpegs(paths, in_channels, Fit(SIZE), HERE)


def assert_near(sample, expected):
    assert sample.shape == expected.shape
    assert sample.dtype is torch.uint8
    assert (sample.float() - expected.float()).abs().max() <= 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_is_seen_stands_upright(tmp_path, orientation):
    path = save(tmp_path / "a.jpg", image(0), orientation)
    assert_near(decoded([path])[0], read_pixels(path, 3))


@pytest.mark.parametrize("in_channels", [1, 3])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_grey_and_colour_become_what_is_asked_for(tmp_path, mode, in_channels):
    path = save(tmp_path / "a.jpg", image(0, mode))
    assert_near(decoded([path], in_channels)[0], read_pixels(path, in_channels))


def test_a_batch_keeps_its_order_and_leaves_other_files(tmp_path):
    paths = [save(tmp_path / f"{number}.jpg", image(number)) for number in range(3)]
    png, four, cut = (tmp_path / name for name in ("a.png", "four.jpg", "cut.jpg"))
    image(0).save(png)
    image(0, "CMYK").save(four)
    cut.write_bytes(paths[0].read_bytes()[:-200])
    samples = decoded([paths[2], png, paths[0], four, tmp_path / "none.jpg", cut, paths[1]])
    assert [sample is None for sample in samples] == [False, True, False, True, True, True, False]
    for sample, path in zip(
        (sample for sample in samples if sample is not None), (paths[2], paths[0], paths[1]), strict=True
    ):
        assert_near(sample, read_pixels(path, 3))
    assert decoded([png]) == [None]


def test_one_that_cannot_be_decoded_leaves_its_batch(tmp_path):
    good = save(tmp_path / "good.jpg", image(0))
    content = bytearray(good.read_bytes())
    content[content.index(b"\xff\xda") + 4] = 7  # channels that follow
    (tmp_path / "bad.jpg").write_bytes(content)
    assert decoded([good, tmp_path / "bad.jpg"]) == [None, None]


@pytest.fixture
def folder(tmp_path):
    for label in ("cat", "dog"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for number in range(10):
            save(tmp_path / "images" / label / f"{number}.jpg", image(number + 20 * (label == "dog")))
    return tmp_path


@pytest.fixture
def gpu(monkeypatch):
    """The CPU in place of a GPU."""
    monkeypatch.setattr(image_files, "GPU", HERE)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("options", [{}, {"cache": None}, {"storage": "disk"}], ids=["cache", "memory", "disk"])
def test_samples_are_those_of_the_cpu_wherever_they_are_kept(folder, options, monkeypatch):
    calls = []
    monkeypatch.setattr(
        image_files, "decode_jpegs", lambda *of, **how: calls.append(len(of[0])) or decode_jpegs(*of, **how)
    )
    samples = {}
    for device in ("cpu", "cuda"):
        data = ImageFiles(
            root=str(folder / "images"),
            image_size=16,
            batch_size=4,
            jpeg_device=device,
            **{"cache": str(folder / "cache")} | options,
        )
        data.setup("fit")
        samples[device] = list(data.train_dataloader())
    assert sum(calls) >= 12  # of the training loader, whose last batch is complete
    for one, two in zip(samples["cpu"], samples["cuda"], strict=True):
        assert one.targets.equal(two.targets)
        assert (one.inputs.float() - two.inputs.float()).abs().max() <= 4


@pytest.mark.usefixtures("gpu")
def test_a_cache_knows_who_decoded(folder):
    for device in ("cpu", "cuda", "cuda"):
        options = {"jpeg_device": device, "cache": str(folder / "cache")}
        ImageFiles(root=str(folder / "images"), image_size=16, **options).load("train")
    assert len(list((folder / "cache").glob("*/about.json"))) == 2


def test_without_a_gpu_the_processor_decodes(folder, caplog):
    data = ImageFiles(root=str(folder / "images"), image_size=16, jpeg_device="cuda", cache=None)
    with caplog.at_level("INFO"):
        data.load("train")
    assert "there is no GPU: decoding on the CPU" in caplog.text


@pytest.mark.usefixtures("gpu")
def test_without_torchcodec_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchcodec.decoders", None)
    with pytest.raises(DataError, match="install torchcodec, or the extra `jpeg`"):
        jpegs.jpeg_decoder()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jpeg_device": "gpu"}, "jpeg_device is 'gpu'; it must be cpu or cuda"),
        ({"jpeg_device": "cuda", "num_workers": 2}, "num_workers is 2; with jpeg_device=cuda it must be null or 0"),
    ],
)
def test_settings_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        ImageFiles(root="nowhere", **options)
