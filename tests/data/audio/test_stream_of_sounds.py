import pytest
import torch

from leyden.data.audio import Vowels, VowelSequences

pytest.importorskip("litdata")

from leyden.data.stream.writing import write_stream


def ready(data):
    data.setup("fit")
    data.setup("test")
    return data


def tensors(part):
    return [part] if isinstance(part, torch.Tensor) else [one for parts in part for one in tensors(parts)]


def sorted_rows(data):
    samples = data.samples["train"]
    return sorted(
        [one.flatten().tolist() for one in tensors(samples.__getitems__([number]))] for number in range(len(samples))
    )


@pytest.mark.parametrize("kind", [Vowels, VowelSequences])
def test_waveforms_have_the_bits_of_the_data_itself(kind, tmp_path):
    itself = ready(kind())
    write_stream(itself, tmp_path / "stream", 200_000)
    data = ready(kind(stream=str(tmp_path / "stream"), num_workers=0))
    assert len(data.samples["train"].chunks) > 5
    for loader in ("val_dataloader", "test_dataloader"):
        for batches in zip(getattr(data, loader)(), getattr(itself, loader)(), strict=True):
            for one, other in zip(*map(tensors, batches), strict=True):
                assert one.dtype == other.dtype
                assert one.equal(other)
    assert sorted_rows(data) == sorted_rows(itself)
    assert data.provided() == itself.provided()
