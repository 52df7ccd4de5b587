"""Metadata of a stream is untrusted: nothing in it is executed, followed or allocated unchecked."""

import json
import pickle
import re
import shutil

import numpy as np
import pytest
from test_stream import CHUNK, Numbers, ready, stream_of

from leyden.data import DataError
from leyden.data.storage.cache import clear

pytest.importorskip("litdata")

from leyden.data.stream.writing import write_stream


class Evil:
    def __reduce__(self):
        return exec, ("import pathlib; pathlib.Path('executed').touch()",)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    for name, ragged in (("equal", False), ("ragged", True)):
        write_stream(ready(Numbers(ragged=ragged)), folder / name, CHUNK)
    return folder


@pytest.fixture
def stream(original, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(original / "equal", tmp_path / "stream")
    return tmp_path / "stream"


def changed(file, *keys, value):
    content = json.loads(file.read_text())
    node = content
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    file.write_text(json.dumps(content))


def refusal(stream, **options):
    with pytest.raises(DataError) as caught:
        ready(stream_of(stream, **options))
    return str(caught.value)


@pytest.mark.parametrize("value", ["/tmp/victim", "../victim", "a/b", "..", ".hidden", "", "a\nb", "x" * 200, 7, None])
def test_an_id_is_a_plain_name(stream, value):
    changed(stream / "stream.json", "id", value=value)
    assert f"its id is {value!r}, not a plain name" in refusal(stream)


def test_clearing_a_stream_never_leaves_the_cache(stream, tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "thesis.txt").touch()
    changed(stream / "stream.json", "id", value=str(victim))
    with pytest.raises(DataError, match="not a plain name"):
        Numbers(stream=f"local:{stream}", cache=str(tmp_path / "cache")).source.clear()
    changed(stream / "stream.json", "id", value="linked")
    (tmp_path / "cache/streams").mkdir(parents=True)
    (tmp_path / "cache/streams/linked").symlink_to(victim)
    shutil.copy(stream / "data.json", victim)
    with pytest.raises(DataError, match="is not a folder of the cache"):
        Numbers(stream=f"local:{stream}", cache=str(tmp_path / "cache")).source.clear()
    assert (victim / "thesis.txt").exists()


def test_clearing_a_cache_removes_links_and_not_what_they_lead_to(tmp_path):
    victim, cache = tmp_path / "victim", tmp_path / "cache"
    for folder in (victim, cache):
        folder.mkdir()
    (victim / "about.json").write_text(json.dumps({"made_of": {"of": "x"}}))
    (cache / "entry").symlink_to(victim)
    (cache / "other.part").symlink_to(victim)
    clear(cache, "x")
    assert (victim / "about.json").exists()
    assert not list(cache.glob("entry"))


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (["files"], ["../../x.json"], "its files are"),
        (["files"], [], "its files are"),
        (["splits", "../train"], {}, "its splits are"),
        (["splits", "train", "arrays"], ["../targets"], "it has the arrays"),
        (["splits", "train", "dtype"], "object", "its dtype is 'object'"),
        (["splits", "train", "shape"], [1 << 40, 64], "its samples have"),
        (["splits", "train", "shape"], [-1], "its sizes are invalid"),
        (["splits", "train", "rows"], 1 << 40, "samples, not 1099511627776"),
        (["splits", "train", "padding"], "x", "its padding is 'x'"),
        (["settings"], [], "its settings are not a mapping"),
    ],
)
def test_what_describes_the_samples_is_checked(stream, keys, value, message):
    changed(stream / "stream.json", *keys, value=value)
    assert message in refusal(stream)


@pytest.mark.parametrize("text", ["[]", "7", '{"format": 1}', '{"format": 1, "id": "a", "files": 3}', "{"])
def test_a_text_that_describes_no_stream(stream, text):
    (stream / "stream.json").write_text(text)
    assert "data.stream=" in refusal(stream)


@pytest.mark.parametrize(
    "name", ["pickle", "graph:pickle", "no_header_numpy:0:pickle", "x:pickle", "file", "tensor", 3]
)
def test_formats_that_could_run_code_are_refused(stream, name):
    changed(stream / "train/index.json", "config", "data_format", value=[name])
    assert f"its samples have the format {name!r}" in refusal(stream)


def test_a_pickle_in_the_place_of_a_sample_is_not_loaded(stream, tmp_path):
    index = stream / "train/index.json"
    changed(index, "config", "data_format", value=["pickle"])
    chunk = stream / "train" / json.loads(index.read_text())["chunks"][0]["filename"]
    content = bytearray(chunk.read_bytes())
    load = pickle.dumps(Evil())
    content[-len(load) :] = load
    chunk.write_bytes(content)
    refusal(stream)
    assert not (tmp_path / "executed").exists()


def test_arrays_are_no_pickles_and_have_a_value_for_each_sample(stream, tmp_path):
    np.save(stream / "train/targets.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    assert "the arrays of train cannot be read" in refusal(stream)
    assert not (tmp_path / "executed").exists()
    np.save(stream / "train/targets.npy", np.zeros(3, np.int64))
    assert "it has 3 targets for 810 samples" in refusal(stream)


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (["chunks", 0, "filename"], "../../../etc/x.bin", "a chunk is named"),
        (["chunks", 0, "filename"], "/etc/passwd", "a chunk is named"),
        (["chunks", 0, "chunk_bytes"], 1 << 40, "bytes"),
        (["chunks", 0, "chunk_bytes"], "many", "bytes"),
        (["chunks", 0, "chunk_size"], -3, "samples"),
        (["config", "compression"], "zstd", "compression 'zstd'"),
        (["config", "item_loader"], "TokensLoader", "it needs 'TokensLoader'"),
        (
            ["config", "data_spec"],
            '[1, {"type": "os.system", "context": null, "children_spec": []}]',
            "its samples are",
        ),
        (["config", "data_spec"], "7", "index.json cannot be read"),
        (["config"], None, "index.json cannot be read"),
    ],
)
def test_the_index_of_chunks_is_checked(stream, keys, value, message):
    changed(stream / "train/index.json", *keys, value=value)
    assert message in refusal(stream)


@pytest.mark.parametrize("value", [-1, 1 << 50])
def test_lengths_are_those_of_samples_in_chunks(original, tmp_path, value):
    shutil.copytree(original / "ragged", tmp_path / "stream")
    file = tmp_path / "stream/train/lengths.npy"
    lengths = np.load(file)
    lengths[3] = value
    np.save(file, lengths)
    assert "its lengths are longer than its chunks" in refusal(tmp_path / "stream", ragged=True)


def test_a_description_sets_nothing_but_what_is_learnt_from_data(stream):
    changed(stream / "data.json", "root", value="/etc")
    assert re.search(r"data\.json holds .*\broot; expected only", refusal(stream))


def test_a_description_without_end_is_not_read(stream, monkeypatch):
    monkeypatch.setattr("leyden.data.stream.metadata.MAX_TEXT_BYTES", 10)
    assert "stream.json has" in refusal(stream)
