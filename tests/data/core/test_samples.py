import pytest
import torch
from torch.utils.data import Subset

from leyden.data import DataError
from leyden.data.core.samples import RaggedSamples, TensorSamples, fingerprint, sample_lengths


def test_tensor_samples_keep_the_storage_dtype():
    samples = TensorSamples(torch.arange(12, dtype=torch.uint8).reshape(4, 3), torch.arange(4))
    batch = samples.__getitems__([3, 1])
    assert batch.inputs.tolist() == [[9, 10, 11], [3, 4, 5]]
    assert batch.inputs.dtype is torch.uint8
    assert batch.targets.tolist() == [3, 1]
    assert batch.lengths is None


def test_a_list_or_slice_of_indices_is_a_batch():
    samples = TensorSamples(torch.arange(4), torch.arange(4))
    assert samples[2].targets.tolist() == [2]
    assert samples[[3, 1]].targets.tolist() == [3, 1]
    assert samples[1:].targets.tolist() == [1, 2, 3]


def test_a_fingerprint_tells_samples_apart():
    samples = TensorSamples(torch.arange(4), torch.arange(4))
    assert fingerprint(samples) == fingerprint(TensorSamples(torch.ones(4), torch.arange(4)))
    assert fingerprint(samples) != fingerprint(TensorSamples(torch.arange(4), torch.arange(4).flip(0)))
    assert fingerprint(Subset(samples, [1, 2])) == fingerprint(TensorSamples(torch.ones(2), torch.tensor([1, 2])))
    assert fingerprint(RaggedSamples([torch.ones(2)], range(1))) == {"samples": 1, "targets": None}


def test_ragged_samples_are_padded_to_the_longest():
    samples = RaggedSamples([torch.ones(n, dtype=torch.int16) for n in (1, 3, 2)], torch.arange(3), padding=7)
    batch = samples.__getitems__([0, 2])
    assert batch.inputs.tolist() == [[1, 7], [1, 1]]
    assert batch.lengths.tolist() == [1, 2]


def test_samples_have_lengths():
    ragged = RaggedSamples([torch.ones(n) for n in (1, 3, 2)], torch.arange(3))
    assert sample_lengths(ragged).tolist() == [1, 3, 2]
    assert sample_lengths(Subset(ragged, [2, 1])).tolist() == [2, 3]
    assert sample_lengths(TensorSamples(torch.ones(3, 5), torch.arange(3))) is None


def test_numbers_with_a_fraction_are_no_classes():
    assert TensorSamples(torch.ones(3, 5), torch.tensor([0.5, 1.5, 0.5])).classes.tolist() == [0, 0, 0]
    assert TensorSamples(torch.ones(3, 5), torch.tensor([2, 0, 2])).classes.tolist() == [2, 0, 2]


def test_inputs_and_targets_of_unequal_length_are_refused():
    with pytest.raises(DataError, match="of equal length, got Tensor of 3 and Tensor of 2"):
        TensorSamples(torch.ones(3), torch.ones(2))
    with pytest.raises(DataError, match="got Tensor of 3 and list of 3"):
        TensorSamples(torch.ones(3), [0, 1, 2])
