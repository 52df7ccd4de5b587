import pytest

from leyden.data import DataError
from leyden.data.text import Stdlib, StdlibFunctions, StdlibSource

pytest.importorskip("litdata")

from leyden.data.stream.writing import write_stream


def ready(data):
    data.setup("fit")
    data.setup("test")
    return data


def sorted_rows(data):
    samples = data.samples["train"]
    batches = [samples.__getitems__([number]) for number in range(len(samples))]
    return sorted([one.flatten().tolist() for one in batch] for batch in batches)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Stdlib, StdlibFunctions])
def test_tokens_have_the_bits_of_the_data_itself_and_its_vocabulary(kind, tmp_path):
    itself = ready(kind())
    write_stream(itself, tmp_path / "stream", 50_000)
    data = ready(kind(stream=str(tmp_path / "stream"), num_workers=0))
    for loader in ("val_dataloader", "test_dataloader"):
        for batches in zip(getattr(data, loader)(), getattr(itself, loader)(), strict=True):
            for one, other in zip(*batches, strict=True):
                assert one.dtype == other.dtype
                assert one.equal(other)
    assert sorted_rows(data) == sorted_rows(itself)
    assert data.provided() == itself.provided()
    assert data.tokenizer.encode(["return the value"]) == itself.tokenizer.encode(["return the value"])


@pytest.mark.slow
def test_what_does_not_go_with_a_stream_of_texts(tmp_path):
    with pytest.raises(ValueError, match=r"vectors is vectors.txt; it is not supported with data.stream"):
        Stdlib(vectors="vectors.txt", stream="stream")
    write_stream(ready(Stdlib()), tmp_path / "stream")
    with pytest.raises(DataError, match=r"written with max_tokens=256, but data\.max_tokens=64"):
        Stdlib(max_tokens=64, stream=str(tmp_path / "stream")).setup("fit")


@pytest.mark.slow
def test_windows_of_a_corpus_are_refused(tmp_path):
    with pytest.raises(DataError, match="a language modelling corpus cannot be streamed"):
        write_stream(ready(StdlibSource()), tmp_path / "stream")
    with pytest.raises(DataError):
        StdlibSource(stream=str(tmp_path / "stream")).setup("fit")
