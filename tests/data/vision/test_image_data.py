import pytest
import torch
from matplotlib.figure import Figure
from torchvision.io import write_png
from torchvision.transforms.v2 import RandomHorizontalFlip

from leyden.data import Batch
from leyden.data.vision import Digits, RandomAffine


def test_pixels_are_normalised_on_the_device():
    data = Digits(mean=0.5, std=0.25, in_channels=1)
    images = torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1)
    transformed = data.batch_transform("test")(Batch(images, torch.zeros(2)))
    assert transformed.inputs.flatten().tolist() == [-2.0, 2.0]


def test_grey_images_are_repeated_for_colour_networks():
    images = torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
    assert Digits(in_channels=3).batch_transform("test")(Batch(images, torch.zeros(2))).inputs.shape == (2, 3, 8, 8)


def test_what_an_augmentation_keeps_stays_as_it_was():
    class Alike(torch.nn.Module):
        """All images of a batch are views of the first one."""

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            self.kept = images[:1].expand_as(images)
            return self.kept

    module, images = Alike(), torch.full((2, 1, 1, 1), 255, dtype=torch.uint8)
    transformed = Digits(in_channels=1, mean=0.5, std=0.25, augment=[module]).batch_transform("train")(
        Batch(images, torch.zeros(2))
    )
    assert transformed.inputs.flatten().tolist() == [2.0, 2.0]
    assert module.kept.flatten().tolist() == [1.0, 1.0]
    assert images.flatten().tolist() == [255, 255]


def test_augmentation_in_training_only_and_by_image():
    images = torch.zeros(64, 1, 1, 2, dtype=torch.uint8)
    images[..., 0] = 255
    data = Digits(in_channels=1, mean=0.0, std=1.0, augment=[RandomHorizontalFlip()])
    left = data.batch_transform("train")(Batch(images, torch.zeros(64))).inputs[:, 0, 0, 0]
    assert 0 < left.sum() < 64  # some are flipped, some are not
    assert data.batch_transform("test")(Batch(images, torch.zeros(64))).inputs[:, 0, 0, 0].sum() == 64


def test_random_affine_without_amounts_changes_nothing():
    images = torch.rand(3, 1, 8, 8)
    assert torch.allclose(RandomAffine()(images), images, atol=1e-6)


def test_random_affine_mirrors_with_certainty():
    images = torch.rand(3, 1, 8, 8)
    assert torch.allclose(RandomAffine(flip=1.0)(images), images.flip(-1), atol=1e-6)


def test_random_affine_shifts_each_image_by_its_own_amount():
    images = torch.zeros(16, 1, 9, 9)
    images[:, :, 4, 4] = 1
    shifted = RandomAffine(shift=0.3)(images)
    assert len({tuple(image.flatten().tolist()) for image in shifted}) == 16


def test_digits_are_the_published_ones():
    data = Digits()
    train, test = data.load("train"), data.load("test")
    assert len(train) + len(test) == 1797
    assert train.inputs.dtype is torch.uint8
    assert train.inputs.shape[1:] == (1, 8, 8)
    assert (torch.cat([train.targets, test.targets]).bincount() >= 174).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_files_are_decoded_to_one_size(tmp_path, channels):
    write_png(torch.randint(0, 255, (channels, 20, 10), dtype=torch.uint8), str(tmp_path / "a.png"))
    samples, names = Digits(in_channels=3, image_size=16).read([tmp_path])
    assert names == [str(tmp_path / "a.png")]
    assert samples.__getitems__([0]).inputs.shape == (1, 3, 16, 16)


def test_a_sample_is_drawn_in_its_own_colours():
    images = torch.randint(0, 255, (1, 3, 4, 4), dtype=torch.uint8)
    data = Digits(in_channels=3, mean=[0.5, 0.4, 0.3], std=[0.2, 0.3, 0.4])
    axes = Figure().subplots()
    data.draw(axes, data.batch_transform("test")(Batch(images, torch.zeros(1))).inputs[0])
    (drawn,) = axes.get_images()
    assert torch.as_tensor(drawn.get_array()).movedim(-1, 0).mul(255).round().equal(images[0].double())


@pytest.mark.parametrize(("target", "title", "color"), [(1, "dog 0.70", "black"), (0, "dog 0.70, not cat 0.20", "red")])
def test_a_prediction_is_drawn_with_its_probability_and_that_of_the_true_class(target, title, color):
    data = Digits(in_channels=1)
    data.class_names = ["cat", "dog", "owl"]
    axes = Figure().subplots()
    data.draw_prediction(axes, torch.rand(1, 8, 8), torch.tensor(target), torch.tensor([0.2, 0.7, 0.1]))
    assert axes.get_title() == title
    assert axes.title.get_color() == color


def test_a_limit_of_memory_below_nothing():
    with pytest.raises(ValueError, match="memory_gb is -1"):
        Digits(memory_gb=-1)
