import pytest
import torch

from leyden.data.vision import RandomAffine, RandomCrop, RandomElastic
from leyden.data.vision.warp import IGNORE_INDEX


def pictures_and_masks(size=24):
    """A square of class 1, bright where its mask is 1."""
    masks = torch.zeros(6, size, size, dtype=torch.uint8)
    masks[:, 6:18, 8:16] = 1
    return masks.unsqueeze(1).float(), masks


@pytest.mark.parametrize(
    "warp", [RandomAffine(degrees=30, scale=0.2, shift=0.2, flip=0.5), RandomElastic(0.05), RandomCrop(15)], ids=str
)
def test_images_and_masks_move_together(warp):
    images, masks = pictures_and_masks()
    warped, moved = warp(images, masks)
    assert warped.shape[-2:] == moved.shape[-2:]
    assert moved.dtype is torch.uint8
    assert set(moved.unique().tolist()) <= {0, 1, IGNORE_INDEX}  # never a mean of classes
    inside = moved != IGNORE_INDEX
    assert (((warped[:, 0] > 0.5) == (moved == 1)) | ~inside).float().mean() > 0.97
    assert not moved.equal(masks)


def test_what_comes_in_from_outside_has_no_class():
    warped, moved = RandomAffine(shift=0.5)(torch.ones(8, 1, 16, 16), torch.ones(8, 16, 16, dtype=torch.uint8))
    assert set(moved.unique().tolist()) == {1, IGNORE_INDEX}
    assert warped[(moved == IGNORE_INDEX).unsqueeze(1)].max() < 0.51


def test_a_crop_is_a_part_of_the_image_as_it_was():
    images = torch.arange(20 * 30).reshape(1, 1, 20, 30).float().repeat(16, 1, 1, 1)
    masks = torch.arange(20 * 30).reshape(1, 20, 30).remainder(250).to(torch.uint8).repeat(16, 1, 1)
    cropped, cut = RandomCrop(8)(images, masks)
    corners = set()
    for crop, mask in zip(cropped[:, 0], cut, strict=True):
        top, left = divmod(round(crop[0, 0].item()), 30)
        torch.testing.assert_close(crop, images[0, 0, top : top + 8, left : left + 8], atol=1e-2, rtol=0)
        assert mask.equal(masks[0, top : top + 8, left : left + 8])
        corners.add((top, left))
    assert len(corners) > 8


def test_a_crop_of_the_whole_image_is_the_image():
    images = torch.rand(2, 3, 9, 9)
    torch.testing.assert_close(RandomCrop(9)(images), images)


def test_elastic_bends_each_image_in_its_own_way_and_by_its_strength():
    images, _ = pictures_and_masks()
    assert len({tuple(image.flatten().tolist()) for image in RandomElastic(0.05)(images)}) == len(images)
    torch.testing.assert_close(RandomElastic(0.0)(images), images, atol=1e-5, rtol=0)
    still = RandomElastic(0.0).grid(torch.zeros(200, 1, 5, 5))
    moved = RandomElastic(0.03).grid(torch.zeros(200, 1, 5, 5)) - still
    # Corners are points of the coarse grid; the whole image is 2 in the coordinates of the grid.
    assert moved[:, 0, 0].std() == pytest.approx(0.06, rel=0.1)


def test_randomness_comes_from_the_generator_alone():
    images, masks = pictures_and_masks()
    for warp in (RandomAffine(degrees=30), RandomElastic(), RandomCrop(15)):
        drawn = []
        for _ in range(2):
            torch.manual_seed(3)
            drawn.append(warp(images, masks))
        assert all(one.equal(two) for one, two in zip(*drawn, strict=True))


def extent(image):
    """Width and height of the bright part."""
    return [int((image[0] > 0.5).any(dim=axis).sum()) for axis in (0, 1)]


def test_a_change_of_size_is_symmetric():
    """A square of 100 pixels becomes one of 50 to 150, uniformly distributed."""
    images = torch.zeros(400, 1, 200, 200)
    images[:, :, 50:150, 50:150] = 1
    sizes = torch.tensor([extent(image)[0] for image in RandomAffine(scale=0.5)(images)]) / 100
    assert sizes.min() == pytest.approx(0.5, abs=0.02)
    assert sizes.max() == pytest.approx(1.5, abs=0.02)
    assert sizes.mean() == pytest.approx(1.0, abs=0.05)


def test_turning_an_oblong_image_keeps_the_angles_of_its_pixels():
    images = torch.zeros(8, 1, 60, 120)
    images[:, :, 20:40, 50:70] = 1  # shear would change the area of the square
    turned = RandomAffine(degrees=45)(images)
    assert torch.allclose(turned.sum(dim=(1, 2, 3)), torch.tensor(400.0), rtol=0.02)
    for image in turned:  # a rotated square is as wide as it is high
        width, height = extent(image)
        assert abs(width - height) <= 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        *(
            (lambda name=name, value=value: RandomAffine(**{name: value}), f"{name} is {value}")
            for name, values in {
                "degrees": (-1, 181, float("nan")),
                "scale": (-0.1, 1.0, 1.5, float("nan")),
                "shift": (-0.1, 1.1, float("inf"), float("nan")),
                "flip": (-0.1, 1.1),
            }.items()
            for value in values
        ),
        (lambda: RandomElastic(1.1), "strength is 1.1"),
        (lambda: RandomElastic(float("nan")), "strength is nan"),
        (lambda: RandomCrop(0), "size is 0"),
        (lambda: RandomCrop(20)(torch.zeros(1, 1, 10, 30)), "images are only 10 x 30 pixels"),
        (lambda: RandomElastic(-0.1), "strength is -0.1"),
        (lambda: RandomElastic(points=1), "points is 1"),
    ],
)
def test_arguments_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()
