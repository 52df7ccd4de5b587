import pytest

from leyden.data.audio import Vowels

pytest.importorskip("litdata")

from leyden.data.stream_writing import write_stream


def ready(data):
    data.setup("fit")
    data.setup("test")
    return data


def sorted_rows(data):
    rows = data.rows["train"]
    batches = [rows.__getitems__([number]) for number in range(len(rows))]
    return sorted((batch.inputs[0].tolist(), int(batch.targets), int(batch.lengths)) for batch in batches)


def test_waveforms_have_the_bits_of_the_data_itself(tmp_path):
    itself = ready(Vowels())
    write_stream(itself, tmp_path / "stream", 200_000)
    data = ready(Vowels(stream=str(tmp_path / "stream"), num_workers=0))
    assert len(data.rows["train"].chunks) > 30
    for loader in ("val_dataloader", "test_dataloader"):
        for one, other in zip(getattr(data, loader)(), getattr(itself, loader)(), strict=True):
            assert all(left.dtype == right.dtype and left.equal(right) for left, right in zip(one, other, strict=True))
    assert sorted_rows(data) == sorted_rows(itself)
    assert data.published() == itself.published()
