import torch

from leyden.data import Batch
from leyden.data.core.samples import TensorSamples
from leyden.data.vision.boxes import BoxSamples, boxes_of_image, join_boxes

NOTHING = boxes_of_image(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
ONE = boxes_of_image(torch.tensor([[1.0, 2, 3, 4]]), torch.tensor([1]))
TWO = boxes_of_image(torch.arange(8.0), torch.tensor([2, 3]), ignored=torch.tensor([False, True]))


def same(one, two):
    return all(a.equal(b) for a, b in zip(one, two, strict=True))


def test_samples_of_a_batch_are_the_images_again():
    batch = join_boxes([ONE, NOTHING, TWO])
    assert batch.counts.tolist() == [1, 0, 2]
    assert all(map(same, batch.samples(), [ONE, NOTHING, TWO]))
    assert all(same(batch.sample(number), image) for number, image in enumerate([ONE, NOTHING, TWO]))


def test_images_keep_their_boxes_in_any_order():
    images = TensorSamples(torch.arange(3).reshape(3, 1, 1, 1), torch.arange(3))
    batch = BoxSamples(images, [ONE, NOTHING, TWO], [(1, 1)] * 3).__getitems__([2, 0])
    assert batch.inputs.flatten().tolist() == [2, 0]
    assert same(batch.targets, join_boxes([TWO, ONE]))


def test_boxes_of_skipped_images_are_skipped():
    class Skipping(TensorSamples):
        def __getitems__(self, indices):
            return super().__getitems__([index for index in indices if index != 1])

    images = Skipping(torch.arange(3).reshape(3, 1, 1, 1), torch.arange(3))
    batch = BoxSamples(images, [ONE, TWO, NOTHING], [(1, 1)] * 3).__getitems__([0, 1, 2])
    assert isinstance(batch, Batch)
    assert same(batch.targets, join_boxes([ONE, NOTHING]))
