import numpy as np
import torch
from PIL import Image
from torchvision.datasets import FakeData, ImageFolder

from leyden.data.vision import TorchvisionImages
from leyden.data.vision.kept_dataset import kept_files


def folder(root, **options):
    for name in "ab":
        (root / name).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), name and "red").save(root / name / "1.png")
    return ImageFolder(str(root), **options)


class Mine(ImageFolder):
    pass


def test_samples_are_kept_only_where_all_that_they_depend_on_is_known(tmp_path):
    assert kept_files(folder(tmp_path)) == [tmp_path / "a/1.png", tmp_path / "b/1.png"]
    assert kept_files(folder(tmp_path, transform=lambda image: image)) is None
    assert kept_files(folder(tmp_path, loader=Image.open)) is None
    assert kept_files(Mine(str(tmp_path))) is None
    assert kept_files(FakeData(size=2)) is None


class Arrays:
    """A user-defined dataset that holds its samples in memory like MNIST."""

    value = 1

    def __init__(self, train):
        self.data, self.targets = np.full((10, 4, 4), self.value, np.uint8), list(range(10))

    def __len__(self):
        return len(self.data)


def test_arrays_are_known_by_what_they_hold(tmp_path, monkeypatch):
    def load():
        return TorchvisionImages(dataset=Arrays, image_size=4, in_channels=1, cache=str(tmp_path)).load("train").inputs

    assert (load() == 1).all()
    assert (load() == 1).all()
    monkeypatch.setattr(Arrays, "value", 2)
    assert (load() == 2).all()
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 2
    assert load().dtype is torch.uint8
