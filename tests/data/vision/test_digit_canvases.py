import torch

from leyden.data.vision.digit_canvases import digit_canvases, digit_images


def test_boxes_and_masks_agree():
    canvases = digit_canvases("train", 20)
    assert canvases.counts.sum() == len(canvases.corners) == len(canvases.classes)
    assert canvases.counts.min() >= 1
    assert canvases.counts.max() <= 4
    boxes = canvases.corners.split(canvases.counts.tolist())
    classes = canvases.classes.split(canvases.counts.tolist())
    for mask, corners, digits in zip(canvases.masks, boxes, classes, strict=True):
        inside = torch.zeros_like(mask, dtype=torch.bool)
        for (left, top, right, bottom), digit in zip(corners.int().tolist(), digits.tolist(), strict=True):
            part = mask[top:bottom, left:right]
            assert set(part.unique().tolist()) <= {0, 1 + digit}  # digits do not overlap
            drawn = part > 0
            assert all(edge.any() for edge in (drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]))  # the box is tight
            inside[top:bottom, left:right] = True
        assert not mask[~inside].any()


def test_the_same_whenever_it_is_asked_and_the_test_split_is_another():
    first, again, test = digit_canvases("train", 5), digit_canvases("train", 5), digit_canvases("test", 5)
    assert all(one.equal(two) for one, two in zip(first, again, strict=True))
    assert not first.images.equal(test.images)
    train_digits = {image.numpy().tobytes() for image in digit_images("train")[0]}
    assert not train_digits & {image.numpy().tobytes() for image in digit_images("test")[0]}
