import os
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from leyden.data import DataError
from leyden.data.core.samples import TensorSamples
from leyden.data.storage.file_samples import FileSamples
from leyden.data.vision import DetectionFiles, ImageFiles, MaskFiles

SETTINGS = {"batch_size": 4, "validation_fraction": 0.25, "num_workers": 0}


@pytest.fixture
def image_folder(save_images):
    random = np.random.default_rng(0)
    return save_images(12, 4, lambda n: random.integers(0, 255, (9, 7, 3), np.uint8))


@pytest.fixture
def masks(tmp_path):
    random = np.random.default_rng(0)
    for n in range(12):
        for kind, shape in (("images", (8, 8, 3)), ("masks", (8, 8))):
            path = tmp_path / "masked" / kind / f"{n}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 2, shape, np.uint8)).save(path)
    return tmp_path / "masked"


@pytest.fixture
def boxes(tmp_path):
    random = np.random.default_rng(0)
    for split in ("train", "val", "test"):
        for n in range(6):
            for kind in ("images", "labels"):
                (tmp_path / "boxes" / kind / split).mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(random.integers(0, 255, (20, 30, 3), np.uint8))
            image.save(tmp_path / "boxes/images" / split / f"{n}.png")
            (tmp_path / "boxes/labels" / split / f"{n}.txt").write_text("0 0.5 0.5 0.4 0.4\n" * (n % 3))
    (tmp_path / "boxes/data.yaml").write_text("names: [ship]\n")
    return tmp_path / "boxes"


@pytest.fixture(params=["image_folder", "masks", "boxes"])
def dataset(request):
    """Creates the data module of one task."""
    root = str(request.getfixturevalue(request.param))

    def make(**options):
        options = SETTINGS | options
        if request.param == "image_folder":
            return ImageFiles(root, image_size=8, **options)
        if request.param == "masks":
            return MaskFiles(root, class_names=["ground", "sky"], image_size=8, **options)
        return DetectionFiles(root, "yolo", image_size=[16, 24], **options)

    return make


def test_batches_are_the_same_wherever_samples_are_kept(dataset, check_residences):
    check_residences(dataset)


def images(root, tmp_path, **options):
    data = ImageFiles(str(root), image_size=8, **{"cache": str(tmp_path / "cache"), **SETTINGS, **options})
    return data.load("train").__getitems__(list(range(12))).inputs


def entries(tmp_path):
    return sorted(path for path in (tmp_path / "cache").iterdir() if path.is_dir())


@pytest.mark.parametrize("keeps_times", [False, True])
def test_a_file_that_changes_is_decoded_again(image_folder, tmp_path, keeps_times):
    before = images(image_folder, tmp_path)
    path = image_folder / "train/a/0.png"
    known = path.stat()
    image = Image.open(image_folder / "train/b/1.png").copy()
    path.unlink()
    image.save(path)
    if keeps_times:
        os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))
    after = images(image_folder, tmp_path)
    assert after[0].equal(before[6])
    assert after[1:].equal(before[1:])


def test_one_more_file_is_one_more_sample(image_folder, tmp_path):
    images(image_folder, tmp_path)
    Image.new("RGB", (8, 8), "white").save(image_folder / "train/a/00.png")
    samples = ImageFiles(str(image_folder), image_size=8, cache=str(tmp_path / "cache"), **SETTINGS).load("train")
    assert len(samples) == 13
    assert (samples[1].inputs == 255).all()


@pytest.mark.parametrize("options", [{"image_size": 9}, {"in_channels": 1}])
def test_other_settings_are_another_part_of_the_cache(image_folder, tmp_path, options):
    settings = {"image_size": 8, "in_channels": 3, "cache": str(tmp_path / "cache")} | SETTINGS
    ImageFiles(str(image_folder), **settings).load("train")
    assert len(entries(tmp_path)) == 1
    samples = ImageFiles(str(image_folder), **(settings | options)).load("train")
    plain = ImageFiles(str(image_folder), **(settings | options | {"cache": None})).load("train")
    assert len(entries(tmp_path)) == 2
    assert samples.inputs.equal(plain.inputs)


def test_settings_that_change_no_sample_share_the_cache(image_folder, tmp_path):
    images(image_folder, tmp_path)
    images(image_folder, tmp_path, batch_size=2, seed=3, mean=0.1, on_corrupt="skip", storage="memory")
    assert len(entries(tmp_path)) == 1


class Inverted(ImageFiles):
    """Decodes in its own way, with an undeclared setting."""

    def __init__(self, *arguments, top=255, **options):
        super().__init__(*arguments, **options)
        self.top = top

    def decode(self, path):
        return self.top - super().decode(path)


class InvertedAndDeclared(Inverted):
    decoding = (*ImageFiles.decoding, "top")


def test_a_class_that_names_its_settings_is_cached_and_another_is_not(image_folder, tmp_path):
    settings = {"image_size": 8, "cache": str(tmp_path / "cache")} | SETTINGS
    plain = images(image_folder, tmp_path, cache=None)
    for top in (255, 254):
        assert Inverted(str(image_folder), top=top, **settings).load("train").inputs.equal(top - plain)
    assert not (tmp_path / "cache").exists()
    for top in (255, 254):
        assert InvertedAndDeclared(str(image_folder), top=top, **settings).load("train").inputs.equal(top - plain)
    assert len(entries(tmp_path)) == 2


def test_a_corrupt_file_is_named_in_every_run_and_used_once_it_is_fixed(image_folder, tmp_path, caplog):
    path = image_folder / "train/a/4.png"
    content = path.read_bytes()
    path.write_bytes(content[:40])
    options = {"cache": str(tmp_path / "cache"), "on_corrupt": "skip"} | SETTINGS
    for _ in range(2):
        samples = ImageFiles(str(image_folder), image_size=8, **options).load("train")
        assert len(samples) == len(samples.targets) == 11
        assert caplog.text.count("skipped") == 1
        caplog.clear()
    with pytest.raises(DataError, match=r"cannot read .*a/4\.png"):
        ImageFiles(str(image_folder), image_size=8, **(options | {"on_corrupt": "raise"})).load("train")
    path.write_bytes(content)
    assert len(ImageFiles(str(image_folder), image_size=8, **options).load("train")) == 12


def test_a_cache_that_cannot_be_written_costs_a_line(image_folder, tmp_path, log):
    (tmp_path / "file").write_text("")
    samples = images(image_folder, tmp_path, cache=str(tmp_path / "file" / "cache"))
    assert samples.equal(images(image_folder, tmp_path, cache=None))
    assert "cannot be used, so each process keeps its own samples" in log.text


def test_a_full_disk_costs_a_line(image_folder, tmp_path, log, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10))
    samples = images(image_folder, tmp_path)
    assert samples.equal(images(image_folder, tmp_path, cache=None))
    assert "GB are free" in log.text
    log.clear()
    data = ImageFiles(
        str(image_folder), image_size=8, memory_gb=0, storage="memory", cache=str(tmp_path / "cache"), **SETTINGS
    )
    assert isinstance(data.load("train"), FileSamples)  # neither disk nor memory has enough space
    assert "there is no cache" in log.text


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"memory_gb": 0}, FileSamples),
        ({"memory_gb": 0, "storage": "memory"}, TensorSamples),
        ({"memory_gb": 0, "storage": "device"}, TensorSamples),
        ({"storage": "disk"}, FileSamples),
        ({}, TensorSamples),
    ],
)
def test_the_size_decides_unless_the_user_does(image_folder, tmp_path, log, options, kind):
    data = ImageFiles(str(image_folder), image_size=8, cache=str(tmp_path / "cache"), **SETTINGS, **options)
    for _ in range(2):
        assert type(data.load("train")) is kind
    assert ("decoded in every epoch" in log.text) == (options == {"memory_gb": 0})


def test_the_size_decides_also_of_what_is_in_the_cache(image_folder, tmp_path):
    images(image_folder, tmp_path)
    data = ImageFiles(str(image_folder), image_size=8, cache=str(tmp_path / "cache"), memory_gb=0, **SETTINGS)
    assert type(data.load("train")) is FileSamples
