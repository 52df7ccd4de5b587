import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from leyden.data import DataError
from leyden.data.vision import Digits
from leyden.data.vision.fit import Fit
from leyden.data.vision.pixels import PixelReader

RED = (255, 0, 0)
QUARTERS = np.array([[250, 170], [85, 0]], dtype=np.uint8)  # an image without symmetries


def decode(path, in_channels=3, size=4, **options):
    return Digits(in_channels=in_channels, image_size=size, **options).decode(path)


def pixels(image, in_channels, size):
    return PixelReader(in_channels, Fit(size), None, lambda kind, text: None).convert(image, "an image")


@pytest.mark.parametrize("kind", ["png", "bmp", "webp", "tif", "ppm", "jpg"])
def test_every_kind_of_file(tmp_path, kind):
    path = tmp_path / f"an image.{kind}"
    Image.new("RGB", (20, 10), RED).save(path)
    samples, names = Digits(in_channels=3).read([tmp_path])
    assert names == [str(path)]
    red = samples.__getitems__([0]).inputs
    assert red.shape == (1, 3, 8, 8)
    assert red.dtype is torch.uint8
    assert (red.float().mean(dim=(0, 2, 3)) - torch.tensor(RED)).abs().max() <= 2


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 100, (100, 100, 100)),
        ("P", 0, RED),
        ("RGB", (10, 20, 30), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (0, 0, 0, 0), (255, 255, 255)),
        ("LA", (0, 0), (255, 255, 255)),
        ("CMYK", (0, 255, 255, 0), RED),
        ("YCbCr", (100, 128, 128), (100, 100, 100)),
    ],
)
def test_every_mode(mode, color, expected):
    image = Image.new(mode, (4, 4), color)
    if mode == "P":
        image.putpalette([*RED, 0, 0, 0])
    assert pixels(image, 3, (4, 4))[:, 2, 1].tolist() == list(expected)
    grey = Image.new("RGB", (1, 1), expected).convert("L").getpixel((0, 0))
    assert pixels(image, 1, (4, 4))[:, 2, 1].tolist() == [grey]


def test_files_of_modes_that_only_some_kinds_have(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([*RED, 0, 0, 255])
    palette.save(tmp_path / "b.png", transparency=0)
    assert (decode(tmp_path / "a.jpg")[:, 1, 1].float() - torch.tensor(RED)).abs().max() <= 3
    assert decode(tmp_path / "b.png")[:, 1, 1].tolist() == [0, 0, 255]
    Image.new("P", (8, 8), 0).save(tmp_path / "b.png", transparency=0)
    assert decode(tmp_path / "b.png")[:, 1, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize("kind", ["png", "tif"])
@pytest.mark.parametrize("in_channels", [1, 3])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path, kind, in_channels, caplog):
    values = np.array([[0, 257 * 100], [257 * 200, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / f"a.{kind}")
    image = decode(tmp_path / f"a.{kind}", in_channels, size=2)
    assert image.tolist() == [[[0, 100], [200, 255]]] * in_channels
    assert not caplog.records


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_twelve_bits_of_sixteen_lose_their_levels_with_a_warning_and_keep_them_by_a_range(tmp_path, kind, caplog):
    Image.fromarray(np.array([[0, 819], [2457, 4095]], dtype=np.uint16)).save(tmp_path / f"a.{kind}")
    assert decode(tmp_path / f"a.{kind}", 1, size=2).tolist() == [[[0, 3], [10, 16]]]
    (record,) = caplog.records
    assert f"a.{kind} has 16-bit pixels of at most 4095: scaled from [0, 65535], 17 of 256 levels" in record.message
    assert "data.pixel_range" in record.message
    assert "[0, 4095]" in record.message
    caplog.clear()
    ranged = decode(tmp_path / f"a.{kind}", 1, size=2, pixel_range=[0, 4095])
    assert ranged.tolist() == [[[0, 51], [153, 255]]]
    window = decode(tmp_path / f"a.{kind}", 1, size=2, pixel_range=[819, 2457])
    assert window.tolist() == [[[0, 0], [255, 255]]]
    assert not caplog.records


@pytest.mark.parametrize(
    ("values", "dtype", "expected", "message"),
    [
        ([0.0, 0.2, 0.6, 1.0], np.float32, [0, 51, 153, 255], "from 0 to 1: scaled from [0, 1]. Set"),
        (
            [-1.0, 0.0, 1.0, 4.0],
            np.float32,
            [0, 51, 102, 255],
            "from -1 to 4: scaled from [-1, 4], a different range for each file",
        ),
        ([-1000, 0, 1000, 4000], np.int32, [0, 51, 102, 255], "from -1000 to 4000: scaled from [-1000, 4000], a"),
        ([7.0, 7.0, 7.0, 7.0], np.float32, [0, 0, 0, 0], "from 7 to 7"),
    ],
)
def test_numbers_of_32_bits_are_scaled_by_their_range_with_a_warning(
    tmp_path, values, dtype, expected, message, caplog
):
    Image.fromarray(np.array(values, dtype=dtype).reshape(2, 2)).save(tmp_path / "a.tif")
    assert decode(tmp_path / "a.tif", 1, size=2).flatten().tolist() == expected
    (record,) = caplog.records
    assert f"a.tif has 32-bit pixels {message}" in record.message
    assert "data.pixel_range" in record.message
    caplog.clear()
    low, high = (-5, 15) if dtype is np.float32 else (-5000, 15000)
    ranged = decode(tmp_path / "a.tif", 1, size=2, pixel_range=[low, high])
    assert ranged.flatten().tolist() == [round((value - low) / (high - low) * 255) for value in values]
    assert not caplog.records


def test_pixels_that_are_no_numbers_are_refused(tmp_path):
    Image.fromarray(np.array([[0.5, np.nan]], dtype=np.float32)).save(tmp_path / "a.tif")
    samples, _ = Digits().read([tmp_path / "a.tif"])
    with pytest.raises(DataError, match=r"cannot read .*a\.tif: it has pixels that are not finite"):
        samples.__getitems__([0])


def test_dark_colours_of_sixteen_bits_raise_a_warning(tmp_path, caplog):
    """Written by hand: Pillow reads such files, but cannot write them."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    def write(name, value):
        line = b"\0" + struct.pack(">3H", value, value, value) * 4
        header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
        chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(line * 4)), (b"IEND", b"")]
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks))
        return tmp_path / name

    assert decode(write("bright.png", 65535)).min() == 255
    assert not caplog.records
    assert decode(write("dark.png", 4095)).max() == 15
    (record,) = caplog.records
    assert "dark.png has 16-bit colours, of which only the upper 8 bits are read: 16 of 256 levels" in record.message


def test_every_loss_is_warned_of_once(tmp_path, caplog):
    for name in "abc":
        Image.fromarray(np.full((4, 4), 4095, dtype=np.uint16)).save(tmp_path / f"{name}.png")
    samples, _ = Digits().read([tmp_path])
    samples.__getitems__([0, 1, 2])
    assert len(caplog.records) == 1


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, QUARTERS),
        (2, np.fliplr(QUARTERS)),
        (3, np.rot90(QUARTERS, 2)),
        (6, np.rot90(QUARTERS, -1)),
        (8, np.rot90(QUARTERS)),
    ],
)
def test_the_camera_s_orientation_is_applied(tmp_path, kind, orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    large = np.kron(QUARTERS, np.ones((32, 32), dtype=np.uint8))
    Image.fromarray(large).convert("RGB").save(tmp_path / f"a.{kind}", exif=exif)
    corners = decode(tmp_path / f"a.{kind}", in_channels=1, size=8)[0, ::7, ::7]
    assert (corners.float() - torch.tensor(upright.copy()).float()).abs().max() <= 4


def test_large_photographs_shrink_as_they_are_decoded(tmp_path):
    generator = np.random.default_rng(0)
    smooth = Image.fromarray(generator.integers(0, 255, (6, 6, 3), dtype=np.uint8)).resize((1600, 1200), Image.BICUBIC)
    smooth.save(tmp_path / "a.jpg", quality=95)
    whole = pixels(smooth, 3, (16, 16)).float()
    assert (decode(tmp_path / "a.jpg", size=16).float() - whole).abs().max() <= 4


def test_several_frames_are_refused(tmp_path):
    frames = [Image.new("L", (4, 4), value) for value in (0, 255)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    samples, _ = Digits().read([tmp_path / "a.tif"])
    with pytest.raises(DataError, match="it has 2 frames"):
        samples.__getitems__([0])


@pytest.mark.parametrize("spoil", [lambda content: b"", lambda content: b"no image", lambda content: content[:100]])
@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_file_that_is_not_an_image_is_named(tmp_path, spoil, kind):
    path = tmp_path / f"a.{kind}"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 20, 3), dtype=np.uint8)).save(path)
    path.write_bytes(spoil(path.read_bytes()))
    samples, _ = Digits().read([path])
    with pytest.raises(DataError, match=rf"cannot read .*a\.{kind}: "):
        samples.__getitems__([0])
