import gzip
import hashlib
import http.server
import threading
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from torchvision.datasets import (
    CIFAR10,
    EMNIST,
    GTSRB,
    MNIST,
    SVHN,
    Country211,
    FakeData,
    ImageFolder,
    OxfordIIITPet,
    RenderedSST2,
)

from leyden.data import DataError
from leyden.data.storage import decode
from leyden.data.vision import TorchvisionImages
from leyden.data.vision.torchvision_images import _accepted


def idx(array):
    """Bytes in MNIST's file format."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">i4").tobytes() + array.tobytes()


@pytest.fixture
def server(tmp_path):
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


@pytest.fixture
def small_mnist(tmp_path, server, monkeypatch):
    """torchvision's MNIST, with files of 40 and 20 samples downloaded from a local server."""
    (tmp_path / "served").mkdir()
    resources = []
    for prefix, samples in (("train", 40), ("t10k", 20)):
        for suffix, array in (
            ("images-idx3", np.random.default_rng(0).integers(0, 255, (samples, 28, 28), dtype=np.uint8)),
            ("labels-idx1", (np.arange(samples) % 10).astype(np.uint8)),
        ):
            content = gzip.compress(idx(array))
            (tmp_path / "served" / f"{prefix}-{suffix}-ubyte.gz").write_bytes(content)
            resources.append((f"{prefix}-{suffix}-ubyte.gz", hashlib.md5(content).hexdigest()))
    monkeypatch.setattr(MNIST, "mirrors", [server])
    monkeypatch.setattr(MNIST, "resources", resources)
    return MNIST


def test_downloads_checks_and_loads(small_mnist, tmp_path):
    data = TorchvisionImages(
        dataset=small_mnist, root=str(tmp_path / "data"), in_channels=1, image_size=28, batch_size=8
    )
    data.prepare_data()
    data.setup("fit")
    data.setup("test")
    assert data.num_classes == 10
    assert len(data.samples["train"]) + len(data.samples["validation"]) == 40
    assert len(data.samples["test"]) == 20
    assert next(iter(data.train_dataloader())).inputs.shape == (8, 1, 28, 28)


def test_a_wrong_checksum_is_refused(small_mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(MNIST, "resources", [(name, "0" * 32) for name, _ in MNIST.resources])
    data = TorchvisionImages(dataset=small_mnist, root=str(tmp_path / "data"))
    with pytest.raises(DataError, match="cannot open the train split of the dataset"):
        data.prepare_data()


class Arrays(CIFAR10):
    """In CIFAR's format: the left class dark, the right one bright."""

    def __init__(self, root, train, download):
        self.targets, self.classes, self.transforms = [0, 1] * 10, ["dark", "light"], None
        self.data = np.full((20, 32, 32, 3), 40, np.uint8)
        self.data[1::2] = 200


@pytest.mark.parametrize(("in_channels", "image_size"), [(3, 32), (1, 32), (3, 16), (1, 48)])
def test_arrays_get_the_size_and_the_channels_that_are_asked_for(in_channels, image_size):
    samples = TorchvisionImages(dataset=Arrays, in_channels=in_channels, image_size=image_size).load("train")
    assert samples.inputs.shape == (20, in_channels, image_size, image_size)
    assert samples.inputs.is_contiguous()
    assert samples.inputs[:2, 0, 0, 0].tolist() == pytest.approx([40, 200], abs=1)
    assert samples.targets.dtype is torch.int64


def image(value, kind, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 7), (value, value, value)).save(path, kind)


def gtsrb(root):
    """In GTSRB's format: two training images and one test image of each of three traffic signs."""
    for number in range(3):
        folder = root / "gtsrb/GTSRB/Training" / f"{number:05d}"
        for name in ("a.ppm", "b.ppm"):
            image(50 * number, "ppm", folder / name)
        image(50 * number, "ppm", root / f"gtsrb/GTSRB/Final_Test/Images/{number}.ppm")
    lines = ["Filename;ClassId", *(f"{number}.ppm;{number}" for number in range(3))]
    (root / "gtsrb/GT-final_test.csv").write_text("\n".join(lines))
    return GTSRB, {"split": "train"}, {"split": "test"}


def svhn(root):
    """In SVHN's format, where the digit 0 has the label 10."""
    labels = np.array([10, 1, 2, 10, 1, 2])
    for name in ("train", "test"):
        images = np.broadcast_to(50 * (labels % 10).astype(np.uint8), (32, 32, 3, 6))
        savemat(root / f"{name}_32x32.mat", {"X": images, "y": labels[:, None]})
    return partial(SVHN, download=False), {"split": "train"}, {"split": "test"}


def pets(root):
    lines = [f"kind_{number}_{copy} {number + 1} 1 1" for number in range(3) for copy in (1, 2)]
    for name in ("trainval", "test"):
        (root / "oxford-iiit-pet/annotations").mkdir(parents=True, exist_ok=True)
        (root / f"oxford-iiit-pet/annotations/{name}.txt").write_text("\n".join(lines))
    for line in lines:
        image(50 * (int(line.split()[1]) - 1), "jpeg", root / f"oxford-iiit-pet/images/{line.split()[0]}.jpg")
    return OxfordIIITPet, {"split": "trainval"}, {"split": "test"}


def class_folders(root):
    for number in range(3):
        for name in ("train", "test"):
            for copy in range(2):
                image(50 * number, "png", root / name / f"kind {number}" / f"a {copy}.png")
    return ImageFolder, {"root": str(root / "train")}, {"root": str(root / "test")}


@pytest.mark.parametrize("memory_gb", [0.0, 1.0])
@pytest.mark.parametrize("is_again", [False, True])
@pytest.mark.parametrize("write", [gtsrb, svhn, pets, class_folders])
def test_every_way_to_keep_files_and_to_name_splits(tmp_path, monkeypatch, write, is_again, memory_gb):
    monkeypatch.setattr(OxfordIIITPet, "_check_exists", lambda self: True)
    dataset, train, test = write(tmp_path)
    if isinstance(dataset, partial):  # disable the checksums of the real files
        monkeypatch.setattr(SVHN, "_check_integrity", lambda self: True)
        dataset = dataset.func
    options = {"dataset": dataset, "root": str(tmp_path), "train": train, "test": test, "image_size": 8}
    data = TorchvisionImages(**options, memory_gb=memory_gb, cache=str(tmp_path / "cache"))
    if is_again:
        first = data
        first.load("train")
        first.load("test")
        data = TorchvisionImages(**options, memory_gb=memory_gb, cache=str(tmp_path / "cache"))
        if memory_gb:  # no image is decoded again
            monkeypatch.setattr(data.reader, "convert", None)
    for split in ("train", "test"):
        samples = data.load(split)
        assert data.num_classes == 3
        assert set(samples.targets.tolist()) == {0, 1, 2}
        images = samples.__getitems__(list(range(len(samples)))).inputs
        assert images.shape == (len(samples), 3, 8, 8)
        assert (images.float() - 50 * samples.targets.reshape(-1, 1, 1, 1)).abs().max() <= 2


def sentences(root):
    """RenderedSST2, whose validation split is named val and its folder valid."""
    for split, number in (("train", 4), ("valid", 2), ("test", 3)):
        for label in ("negative", "positive"):
            for copy in range(number):
                image(99, "png", root / "rendered-sst2" / split / label / f"{copy}.png")
    return RenderedSST2, {"split": "train"}, {"split": "test"}


def countries(root):
    """Country211, whose validation split is named valid."""
    for split, number in (("train", 4), ("valid", 2), ("test", 3)):
        for label in ("AD", "ZW"):
            for copy in range(number):
                image(99, "png", root / "country211" / split / label / f"{copy}.png")
    return Country211, {"split": "train"}, {"split": "test"}


def folders_with_validation(root):
    countries(root)
    place = root / "country211"
    (place / "valid").rename(place / "Validation")
    return ImageFolder, {"root": str(place / "train")}, {"root": str(place / "test")}


@pytest.mark.parametrize("write", [sentences, countries, folders_with_validation])
def test_the_official_validation_split_is_used(tmp_path, write, log):
    dataset, train, test = write(tmp_path)
    options = {"dataset": dataset, "root": str(tmp_path), "train": train, "test": test, "image_size": 8}
    data = TorchvisionImages(**options)
    data.setup("fit")
    data.setup("test")
    assert {stage: len(samples) for stage, samples in data.samples.items()} == {"train": 8, "validation": 4, "test": 6}
    assert f"data {dataset.__name__}: train 8 (" in log.text
    assert "validation 4 (" in log.text
    # Optionally, validation is held out, or another split.
    data = TorchvisionImages(**options, validation={}, validation_fraction=0.25)
    data.setup("fit")
    assert {stage: len(samples) for stage, samples in data.samples.items()} == {"train": 6, "validation": 2}
    with pytest.raises(ValueError, match="which is also the training or test split"):
        TorchvisionImages(**options, validation=test)


@pytest.mark.parametrize(
    ("dataset", "train"),
    [(GTSRB, {"split": "train"}), (SVHN, {"split": "train"}), (EMNIST, {"split": "letters"}), (MNIST, None)],
)
def test_where_there_is_no_official_validation_split_none_is_taken(tmp_path, dataset, train):
    data = TorchvisionImages(dataset=dataset, root=str(tmp_path), train=train, test={"split": "test"})
    assert data.official_splits() == ("train", "test")


def test_a_class_of_others_is_not_asked_for_splits_that_it_may_not_know():
    class Careless(FakeData):
        def __init__(self, split):
            super().__init__(size=10, image_size=(3, 8, 8), num_classes=2)

    data = TorchvisionImages(dataset=Careless, train={"split": "train"}, test={"split": "test"})
    assert data.official_splits() == ("train", "test")


def test_what_is_validated_on_is_not_tested_on(tmp_path):
    """ImageNet has the splits train and val."""
    _, train, _ = sentences(tmp_path)
    data = TorchvisionImages(dataset=RenderedSST2, root=str(tmp_path), train=train, test={"split": "val"})
    assert data.official_splits() == ("train", "test")


def test_one_split_alone_gives_a_fifth_for_the_test():
    options = {"size": 50, "image_size": (3, 8, 8), "num_classes": 2, "split": None}
    data = TorchvisionImages(dataset=FakeData, train=options, test=options, image_size=8)
    data.prepare_data()
    train, test = data.load("train"), data.load("test")
    assert len(train) + len(test) == 50
    assert len(test) == 10
    ours, theirs = (
        {image.numpy().tobytes() for image in samples.__getitems__(list(range(len(samples)))).inputs}
        for samples in (train, test)
    )
    assert not ours & theirs


def test_one_split_alone_too_large_to_keep(monkeypatch):
    monkeypatch.setattr(decode, "INLINE_DECODE_SECONDS", 0.0)  # workers set the classes, too
    options = {"size": 50, "image_size": (3, 8, 8), "num_classes": 2}
    kept, read = (
        TorchvisionImages(dataset=FakeData, train=options, test=options, image_size=8, memory_gb=memory_gb).load("test")
        for memory_gb in (1.0, 0.0)
    )
    assert all(one.equal(two) for one, two in zip(kept[3][:2], read[3][:2], strict=True))


def test_samples_that_are_not_an_image_and_a_class():
    options = {"size": 50, "image_size": (3, 8, 8), "num_classes": 2, "transform": lambda image: torch.zeros(3, 8, 8)}
    with pytest.raises(
        DataError, match="sample 0 of FakeData: it is Tensor and int; expected an image without transforms"
    ):
        TorchvisionImages(dataset=FakeData, train=options, test=options).load("train")


def test_a_split_that_does_not_exist(tmp_path):
    with pytest.raises(DataError, match=r"train split of the dataset, called with \{.*'split': 'trian'\}.*trian"):
        TorchvisionImages(dataset=SVHN, root=str(tmp_path), train={"split": "trian"}).load("train")


def test_download_is_asked_for_where_a_base_class_takes_it():
    assert "download" in _accepted(EMNIST)
    assert "download" in _accepted(partial(MNIST, transform=None))
    assert "download" not in _accepted(FakeData)
    assert "root" not in _accepted(FakeData)
    assert "download" not in _accepted(ImageFolder)
