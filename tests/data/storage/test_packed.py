import pytest
import torch

from leyden.data.core.samples import RaggedSamples
from leyden.data.storage.packed import Packed


def test_a_device_makes_the_batches_that_main_memory_makes():
    lengths = [3, 1, 7, 2]
    packed = Packed.of([torch.arange(n, dtype=torch.int16) + 10 * n for n in lengths])
    samples = RaggedSamples(packed, torch.arange(4), padding=9)
    listed = RaggedSamples(list(packed), torch.arange(4), padding=9)
    assert samples.lengths.tolist() == listed.lengths.tolist() == lengths
    for indices in ([2, 0], [1], [3, 3, 1]):
        one, other = samples.__getitems__(indices), listed.__getitems__(indices)
        assert all(left.equal(right) and left.dtype == right.dtype for left, right in zip(one, other, strict=True))
        chosen = torch.tensor(indices)
        starts, sizes = packed.starts[chosen], packed.lengths[chosen]
        assert packed.gathered(starts, sizes, int(sizes.max()), 9).equal(one.inputs)


def test_packed_samples():
    packed = Packed.of([torch.tensor([1, 2]), torch.tensor([3])])
    assert [sample.tolist() for sample in packed] == [[1, 2], [3]]
    assert packed[-1].tolist() == [3]
    assert [sample.tolist() for sample in packed[:1]] == [[1, 2]]
    with pytest.raises(IndexError):
        packed[2]
