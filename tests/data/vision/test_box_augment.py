import pytest
import torch

from leyden.data.vision import RandomBoxAffine
from leyden.data.vision.boxes import boxes_of_image, join_boxes


def batch(size=8):
    """Images with one bright rectangle each, and its box."""
    images, boxes = torch.zeros(size, 3, 40, 60), []
    for number in range(size):
        left, top = 15 + number, 12
        images[number, :, top : top + 10, left : left + 16] = 1
        boxes.append(boxes_of_image(torch.tensor([left, top, left + 16, top + 10.0]), torch.tensor([1 + number])))
    return images, join_boxes(boxes)


def bright(image):
    samples, columns = (image[0] > 0.5).any(dim=1).nonzero(), (image[0] > 0.5).any(dim=0).nonzero()
    return torch.cat([columns[0], samples[0], columns[-1] + 1, samples[-1] + 1]).float()


def test_without_amounts_nothing_changes():
    images, boxes = batch()
    moved, moved_boxes = RandomBoxAffine()(images, boxes)
    assert torch.allclose(moved, images, atol=1e-5)
    assert torch.allclose(moved_boxes.corners, boxes.corners, atol=1e-4)


def test_mirrors_with_certainty():
    images, boxes = batch()
    moved, moved_boxes = RandomBoxAffine(flip=1.0)(images, boxes)
    assert torch.allclose(moved, images.flip(-1), atol=1e-5)
    assert moved_boxes.corners[0].tolist() == pytest.approx([60 - 31, 12, 60 - 15, 22], abs=1e-4)
    moved, moved_boxes = RandomBoxAffine(vertical_flip=1.0)(images, boxes)
    assert torch.allclose(moved, images.flip(-2), atol=1e-5)
    assert moved_boxes.corners[0].tolist() == pytest.approx([15, 18, 31, 28], abs=1e-4)


def test_boxes_go_where_the_pixels_go():
    images, boxes = batch()
    augment = RandomBoxAffine(scale=0.3, shift=0.15, flip=0.5, vertical_flip=0.5)
    moved, moved_boxes = augment(images, boxes)
    for image, corners in zip(moved, moved_boxes.corners, strict=True):
        assert torch.allclose(bright(image), corners, atol=1.0)
    assert (moved_boxes.corners - boxes.corners).abs().max() > 3
    assert (
        len({tuple(sample) for sample in (moved_boxes.corners[:, 2] - moved_boxes.corners[:, 0]).unsqueeze(1).tolist()})
        == 8
    )


def test_what_is_hardly_visible_is_left_out_with_its_label():
    images, _ = batch(2)
    corners = torch.tensor([[0.0, 0, 10, 10], [25, 15, 35, 25]])
    boxes = join_boxes([boxes_of_image(corners, torch.tensor([1, 2]))] * 2)
    seen = set()
    for seed in range(20):
        torch.manual_seed(seed)
        moved = RandomBoxAffine(shift=0.3, min_visible=0.5)(images, boxes)[1]
        assert moved.counts.sum() == len(moved.labels) == len(moved.corners) == len(moved.ignored)
        assert all(2 in sample.labels for sample in moved.samples())
        area = (moved.corners[:, 2:] - moved.corners[:, :2]).prod(dim=1)
        assert (area >= 49.9).all()
        assert (moved.corners >= 0).all()
        seen |= set(moved.counts.tolist())
    assert seen == {1, 2}


def test_images_without_boxes():
    images, _ = batch(2)
    nothing = boxes_of_image(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    assert RandomBoxAffine(shift=0.3)(images, join_boxes([nothing, nothing]))[1].counts.tolist() == [0, 0]


def test_a_change_of_size_is_symmetric():
    images = torch.zeros(400, 3, 40, 60)
    boxes = join_boxes([boxes_of_image(torch.tensor([20.0, 10, 40, 30]), torch.tensor([1]))] * 400)
    widths = RandomBoxAffine(scale=0.5)(images, boxes)[1].corners[:, [0, 2]].diff().flatten() / 20
    assert widths.min() == pytest.approx(0.5, abs=0.02)
    assert widths.max() == pytest.approx(1.5, abs=0.02)


@pytest.mark.parametrize(
    "arguments",
    [
        {"scale": 1.0},
        {"scale": float("nan")},
        {"shift": 1.5},
        {"shift": float("nan")},
        {"shift": -1.0},
        {"flip": 2.0},
        {"vertical_flip": 2.0},
        {"min_visible": 0.0},
    ],
)
def test_arguments_out_of_range(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"{name} is"):
        RandomBoxAffine(**arguments)
