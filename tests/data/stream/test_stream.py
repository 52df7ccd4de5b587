"""Samples written as chunks: the same samples and batches, in an order with few downloads."""

import json
import logging
import shutil
import sys
from itertools import chain

import numpy as np
import pytest
import torch
from torch import nn

from leyden.data import DataError, DataModule
from leyden.data.core.samples import RaggedSamples, TensorSamples
from leyden.data.core.sampling import MIXED_CHUNKS

pytest.importorskip("litdata")

from leyden.data.stream import writing as stream_writing
from leyden.data.stream.writing import write_stream

NUM_SAMPLES = 900
CHUNK = 5000  # bytes: about fifteen samples


class Numbers(DataModule):
    """Sample n of the test split is filled with n, and so is sample n + 1000 of the training split."""

    provides = (*DataModule.provides, "width")

    def __init__(self, width=64, ragged=False, **loading):
        super().__init__(**loading)
        self.width, self.ragged = width, ragged

    def download_files(self):
        raise AssertionError("a stream needs nothing else")

    def load(self, split):
        self.class_names = ["a", "b", "c"]
        numbers = torch.arange(NUM_SAMPLES, dtype=torch.int32) + 1000 * (split == "train")
        targets = (numbers % 3).long()
        if self.ragged:
            return RaggedSamples([number.repeat(int(number) % 13 * 8 + 20) for number in numbers], targets, padding=-1)
        return TensorSamples(numbers.unsqueeze(1).repeat(1, self.width), targets)

    def batch_transform(self, stage):
        return nn.Identity()


def ready(data):
    data.setup("fit")
    data.setup("test")
    return data


@pytest.fixture(params=[False, True], ids=["equal", "ragged"])
def written(request, tmp_path):
    write_stream(ready(Numbers(ragged=request.param)), tmp_path / "stream", CHUNK)
    return tmp_path / "stream"


@pytest.fixture
def plain(tmp_path):
    write_stream(ready(Numbers()), tmp_path / "stream", CHUNK)
    return tmp_path / "stream"


def stream_of(folder, **options):
    return Numbers(stream=str(folder), cache=str(folder.parent / "cache"), **{"batch_size": 20, **options})


def is_ragged(folder):
    return (folder / "test/lengths.npy").exists()


def numbers(loader):
    return [batch.inputs[:, 0].tolist() for batch in loader]


def test_evaluation_gives_the_batches_of_the_data_itself(written):
    options = {"batch_size": 20, "bucket_batches": NUM_SAMPLES}  # all samples of a split are sorted together
    data, itself = ready(stream_of(written, **options)), ready(Numbers(ragged=is_ragged(written), **options))
    for ours, theirs in (
        (data.val_dataloader(), itself.val_dataloader()),
        (data.test_dataloader(), itself.test_dataloader()),
    ):
        for one, other in zip(ours, theirs, strict=True):
            assert one.inputs.dtype == other.inputs.dtype
            assert one.inputs.equal(other.inputs)
            assert one.targets.equal(other.targets)
            assert (one.lengths is None) == (other.lengths is None)
            assert one.lengths is None or one.lengths.equal(other.lengths)
    assert data.provided() == itself.provided()


def test_training_takes_every_sample_once(written):
    data = ready(stream_of(written))
    epoch = list(data.train_dataloader())
    samples = list(chain.from_iterable(batch.inputs[:, 0].tolist() for batch in epoch))
    itself = ready(Numbers())
    known = {int(itself.samples["train"][n].inputs[0, 0]) for n in range(len(itself.samples["train"]))}
    assert len(samples) == len(set(samples)) == len(known) // 20 * 20
    assert set(samples) <= known
    for batch in epoch:
        assert batch.targets.equal((batch.inputs[:, 0] % 3).long())


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [0, 2])
def test_the_order_is_one_of_seed_and_epoch_whoever_reads(written, num_workers):
    one = numbers(ready(stream_of(written, num_workers=num_workers)).train_dataloader())
    assert one == numbers(ready(stream_of(written)).train_dataloader())
    assert one != numbers(ready(stream_of(written, seed=1)).train_dataloader())


def test_an_epoch_goes_on_where_it_was_left(written):
    whole = numbers(ready(stream_of(written)).train_dataloader())
    data = ready(stream_of(written, num_workers=1))
    data.load_state_dict({**data.state(), "epoch": 0, "batches_done": 13})
    assert numbers(data.train_dataloader()) == whole[13:]


def test_ranks_share_the_batches_of_one(written):
    data = ready(stream_of(written))
    alone = list(data._batches("train"))
    ranks = []
    for rank in (0, 1):
        batches = data._batches("train")
        batches.rank, batches.num_ranks = rank, 2
        ranks.append(list(batches))
    assert alone == [
        [sample for pair in zip(*parts, strict=True) for sample in pair] for parts in zip(*ranks, strict=True)
    ]


def test_batches_are_mixed_from_few_chunks_at_a_time(written):
    data = ready(stream_of(written, batch_size=5, bucket_batches=4))
    samples, batches = data.samples["train"], list(data._batches("train"))
    chunks = torch.arange(len(samples.chunks)).repeat_interleave(samples.chunks)
    order = chunks[list(chain.from_iterable(batches))].tolist()
    needed = [0] * len(order)
    for chunk in set(order):
        last = len(order) - order[::-1].index(chunk)
        for place in range(order.index(chunk), last):
            needed[place] += 1
    assert len(samples.chunks) > 2 * MIXED_CHUNKS
    # Sorting by length moves samples within their bucket of 20.
    assert max(needed) <= MIXED_CHUNKS + 1 + 2 * 20 / min(samples.chunks)
    assert len(set(order[: len(order) // 2])) < len(samples.chunks)
    assert sum(len({*order[place : place + 5]}) for place in range(0, len(order), 5)) > 3 * len(batches)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_remote_stream_fetches_each_chunk_once_and_keeps_little(plain, num_workers, monkeypatch):
    local = numbers(ready(stream_of(plain)).train_dataloader())
    most = 2 * MIXED_CHUNKS * max(path.stat().st_size for path in plain.rglob("*.bin"))
    data = Numbers(
        stream=f"local:{plain}",
        stream_gb=most / 1e9,
        cache=str(plain.parent / "cache"),
        batch_size=20,
        num_workers=num_workers,
    )
    ready(data)
    samples = data.samples["train"]
    fetched = plain.parent / "fetched"
    download = samples.folder._download

    def noted(name, path):
        with fetched.open("a") as file:
            file.write(f"{name}\n")
        download(name, path)

    monkeypatch.setattr(samples.folder, "_download", noted)
    loader = data.train_dataloader()
    for epoch in range(2):
        assert numbers(loader) == local
        names = fetched.read_text().split()
        chunks = [name for name in names if name.endswith(".bin")]
        assert len(chunks) <= (epoch + 1) * len(samples.chunks)
        assert len(set(chunks)) == len(samples.chunks)
        kept = sum(path.stat().st_size for path in samples.folder.path.rglob("*.bin"))
        assert 0 < kept <= most
    assert sum(path.stat().st_size for path in plain.rglob("train/*.bin")) > most


def test_a_remote_stream_that_is_kept_is_fetched_once(plain, monkeypatch):
    def data():
        return ready(Numbers(stream=f"local:{plain}", cache=str(plain.parent / "cache"), batch_size=20))

    first = numbers(data().train_dataloader())
    shutil.move(plain / "train", plain / "gone")
    assert numbers(data().train_dataloader()) == first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cache": None}, "needs a folder for its chunks: set data.cache"),
        ({"stream_gb": 1e-6}, "data.stream_gb=1e-06 is too small for 32 chunks of 0.0 MB"),
        ({"width": 4}, r"was written with width=64, but data.width=4: set it to 64, or write a stream with 4"),
        ({"storage": "device"}, r"the samples \(StreamSamples\) are read batch by batch: set data.storage=null"),
    ],
)
def test_what_does_not_go_with_a_stream(plain, options, message):
    data = Numbers(**{"stream": f"local:{plain}", "cache": str(plain.parent / "cache"), **options})
    with pytest.raises(DataError, match=message):
        ready(data).train_dataloader()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nowhere", "data.stream=nowhere is not a stream, or is incomplete: write one with"),
        ("local:/nowhere", "data.stream=local:/nowhere: cannot download stream.json: .*doesn't exist"),
        ("https://host/folder", "is not supported by litdata: set a folder, or an address .* s3://"),
    ],
)
def test_a_wrong_address_is_refused(address, message):
    with pytest.raises(DataError, match=message):
        Numbers(stream=address).setup("fit")


def test_data_of_other_classes_is_refused(plain):
    data = stream_of(plain)
    data.class_names = ["x", "y", "z"]  # as in a run
    with pytest.raises(DataError, match=r"data.stream=.* holds other data: its class_names are \['a', 'b', 'c'\]"):
        data.setup("test")


def test_interrupted_writing_is_refused_and_can_be_done_again(tmp_path, monkeypatch):
    data, folder = ready(Numbers()), tmp_path / "stream"
    with monkeypatch.context() as context:
        context.setattr(stream_writing, "write_atomically", lambda *_: sys.exit("killed"))
        with pytest.raises(SystemExit):
            write_stream(data, folder, CHUNK)
    assert not list(tmp_path.iterdir())
    with monkeypatch.context() as context:  # by a signal that cannot be handled
        context.setattr("shutil.rmtree", lambda *_, **__: None)
        context.setattr(stream_writing, "write_atomically", lambda *_: sys.exit("killed"))
        with pytest.raises(SystemExit):
            write_stream(data, folder, CHUNK)
    for path in (folder, tmp_path / "stream.part"):
        with pytest.raises(DataError, match="is not a stream, or is incomplete"):
            stream_of(path).setup("fit")
    write_stream(data, folder, CHUNK)
    assert [path.name for path in tmp_path.iterdir()] == ["stream"]
    assert len(numbers(ready(stream_of(folder)).test_dataloader())) == NUM_SAMPLES // 20
    with pytest.raises(DataError, match="already exists: remove it, or choose another folder"):
        write_stream(data, folder, CHUNK)


def test_a_truncated_or_missing_chunk_is_refused(plain):
    chunk = plain / "train/chunk-0-3.bin"
    content = chunk.read_bytes()
    chunk.write_bytes(content[:-1])
    with pytest.raises(DataError, match=rf"chunk-0-3.bin has {len(content) - 1} bytes instead of {len(content)}; copy"):
        stream_of(plain).setup("fit")
    chunk.unlink()
    with pytest.raises(DataError, match=r"chunk-0-3.bin is missing; copy the stream again or rewrite it"):
        stream_of(plain).setup("fit")


def test_a_later_format_is_refused(plain):
    about = json.loads((plain / "stream.json").read_text())
    (plain / "stream.json").write_text(json.dumps(about | {"format": 2}))
    with pytest.raises(DataError, match="has format 2, expected 1: write it again"):
        stream_of(plain).setup("fit")


def test_without_litdata_the_extra_is_named(plain, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "litdata"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "litdata", None)
    message = "data.stream needs litdata: install litdata, or the extra `stream` of this project"
    with pytest.raises(DataError, match=message):
        stream_of(plain).setup("fit")
    with pytest.raises(DataError, match=message):
        write_stream(ready(Numbers()), plain.parent / "other")


def test_a_summary_is_reported(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="leyden.data")
    write_stream(ready(Numbers()), tmp_path / "stream")
    assert "test: 900 samples, " in caplog.text
    assert np.load(tmp_path / "stream/test/targets.npy").shape == (NUM_SAMPLES,)


class Untested(Numbers):
    def official_splits(self):
        return "train", "validation"


def test_a_stream_has_the_splits_of_its_data(tmp_path):
    data = Untested()
    data.setup("fit")
    write_stream(data, tmp_path / "stream", CHUNK)
    read = Untested(stream=str(tmp_path / "stream"), cache=None)
    assert read.official_splits() == ("train", "validation")
    read.setup("fit")
    assert len(read.samples["train"]) == len(read.samples["validation"]) == NUM_SAMPLES
    with pytest.raises(DataError, match="has no test split, so nothing is tested"):
        read.setup("test")
