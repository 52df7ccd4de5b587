import os

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from leyden.data import DataError
from leyden.data.core.sampling import EpochBatches
from leyden.data.text import (
    BytePairTokenizer,
    CharacterTokenizer,
    CorpusFiles,
    StdlibSource,
    WordTokenizer,
)
from leyden.data.text.corpus_files import split_documents
from leyden.data.text.windows import IGNORE_INDEX, ShiftedBatches, Windows


def evaluation(num_tokens, max_tokens):
    return Windows(np.arange(num_tokens, dtype=np.uint16), max_tokens, shifts=False)


@pytest.mark.parametrize("num_tokens", [2, 4, 5, 6, 8, 9, 10, 33])
def test_an_evaluation_predicts_every_token_but_the_first_exactly_once(num_tokens):
    samples = evaluation(num_tokens, max_tokens=4)
    batch = samples.__getitems__(list(range(len(samples))))
    counts = batch.targets != IGNORE_INDEX
    assert batch.targets[counts].tolist() == list(range(1, num_tokens))
    assert (batch.inputs[counts] == batch.targets[counts] - 1).all()
    assert (batch.inputs[:, 1:][~counts[:, :-1]] == 0).all()
    assert batch.inputs.shape == batch.targets.shape == (len(samples), 4)
    assert batch.inputs.dtype is batch.targets.dtype is torch.int32


def shifted(samples, seed=3, epoch=0, rank=0, num_ranks=1, batch_size=4):
    inner = EpochBatches(len(samples), batch_size, seed, lambda: epoch, True, rank=rank, num_ranks=num_ranks)
    return ShiftedBatches(inner, samples.max_tokens)


@pytest.fixture
def samples():
    return Windows(np.arange(131, dtype=np.uint16), max_tokens=5, shifts=True)


def test_windows_of_an_epoch_do_not_overlap_and_lose_less_than_three_windows(samples):
    for epoch in range(8):
        batch = samples.__getitems__(
            [sample for batch in shifted(samples, epoch=epoch, batch_size=1) for sample in batch]
        )
        targets = batch.targets.flatten().tolist()
        assert IGNORE_INDEX not in targets
        assert len(set(targets)) == len(targets) > 131 - 3 * 5
        assert (batch.targets == batch.inputs + 1).all()


def test_windows_begin_elsewhere_in_other_epochs_and_at_the_same_place_again(samples):
    firsts = [
        [samples.__getitems__(batch).inputs[:, 0] for batch in shifted(samples, epoch=epoch)] for epoch in range(12)
    ]
    assert {int(batches[0][0]) % 5 for batches in firsts} == set(range(5))
    again = [samples.__getitems__(batch).inputs[:, 0] for batch in shifted(samples, epoch=7)]
    assert all(one.equal(other) for one, other in zip(again, firsts[7], strict=True))


def test_ranks_share_the_windows_of_the_batches(samples):
    whole, *parts = shifted(samples), *(shifted(samples, rank=rank, num_ranks=2) for rank in (0, 1))
    for batch, *shares in zip(whole, *parts, strict=True):
        assert sorted(batch) == sorted(shares[0] + shares[1])


def test_the_longest_shift_fits():
    for num_tokens in range(10, 30):
        samples = Windows(np.arange(num_tokens, dtype=np.uint16), max_tokens=5, shifts=True)
        assert (samples.__getitems__([5 * len(samples) - 1]).targets != IGNORE_INDEX).all()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "all.txt"
    path.write_text("".join(f"{number:03d}" for number in range(100)))
    return path


def corpus(root, **arguments):
    known = {"batch_size": 2, "max_tokens": 8, "tokenizer": CharacterTokenizer(), **arguments}
    return CorpusFiles(str(root), **known)


def documents(data):
    return [data.load_documents(split) for split in ("train", "validation", "test")]


def test_the_end_of_the_text_is_for_validation_and_test(file):
    text = file.read_text()
    assert documents(corpus(file)) == [[text[:240]], [text[240:270]], [text[270:]]]


def test_without_text_for_a_test_the_validation_text_is_tested_on(file):
    text = file.read_text()
    assert documents(corpus(file, test_fraction=0.0)) == [[text[:270]], [text[270:]], [text[270:]]]


def test_the_usual_split_of_tinyshakespeare():
    text = "x" * 1_115_394
    assert [len(part) for (part,) in split_documents([text], 1 - 0.1, 1 - 0.0)[:2]] == [1_003_854, 111_540]


def test_files_in_the_order_of_their_names_and_splits_by_pattern(tmp_path):
    for name in ("b.txt", "a.txt", "test/c.txt", "valid one.txt", "left out.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name * 10)
    chosen = {"test": "^test/", "validation": "^valid"}
    assert documents(corpus(tmp_path, **chosen)) == [
        ["a.txt" * 10, "b.txt" * 10],
        ["valid one.txt" * 10],
        ["test/c.txt" * 10],
    ]
    train, validation, test = documents(corpus(tmp_path, test="^test/", validation_fraction=0.2))
    assert "".join([*train, *validation]) == "a.txt" * 10 + "b.txt" * 10 + "valid one.txt" * 10
    assert test == ["test/c.txt" * 10]
    assert documents(corpus(tmp_path, suffixes=[".MD"], test_fraction=0.5))[2] == [("left out.md" * 10)[55:]]
    with pytest.raises(DataError, match=r"data.test='none' matches none of the 4 files"):
        documents(corpus(tmp_path, test="none"))


@pytest.mark.parametrize("name", ["{}.txt", "wiki.{}.txt", "{}/a.txt"])
def test_names_of_files_and_folders_define_the_splits(tmp_path, name):
    for split in ("train", "valid", "test"):
        path = tmp_path / name.format(split)
        path.parent.mkdir(exist_ok=True)
        path.write_text(split * 10)
    data = corpus(tmp_path)
    assert documents(data) == [["train" * 10], ["valid" * 10], ["test" * 10]]
    assert data.count_samples().num_samples == {"train": 1, "validation": 1, "test": 1}
    if "/" not in name:  # unless all names contain a split
        (tmp_path / name.format("valid")).rename(tmp_path / name.format("other"))
        assert len(documents(corpus(tmp_path))[2][0]) == 14


def test_a_pattern_needs_a_folder(file):
    with pytest.raises(DataError, match=r"data\.test needs a folder of files, but data\.root=.* is a file"):
        documents(corpus(file, test="all"))


def test_documents_are_split_by_characters():
    assert split_documents(["abcd", "", "efghij"], 0.2, 0.7) == [["ab"], ["cd", "efg"], ["hij"]]


def test_texts_keep_their_ends_of_line(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffone\r\n\r\ntwo\r\n".encode())
    data = corpus(tmp_path, test_fraction=0.0, validation_fraction=0.01)
    assert "".join(data.load_documents("train") + data.load_documents("validation")) == "one\r\n\r\ntwo\r\n"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: corpus(path.parent / "none"), "there is no file or folder .*none: set data.root"),
        (lambda path: corpus(path.parent, suffixes=[".rst"]), r"no \.rst file in"),
        (lambda path: corpus(path, max_tokens=200), "the train split has 241 tokens, expected at least 400"),
        (lambda path: corpus(path, validation_fraction=0.5, test_fraction=0.5), "leave no text for training"),
        (lambda path: corpus(path, encoding="utf-9"), "data.encoding='utf-9' is unknown"),
    ],
)
def test_texts_that_cannot_be_used(file, make, message):
    with pytest.raises(DataError, match=message):
        make(file).setup("fit")


def test_a_character_that_training_never_saw_is_refused(file):
    file.write_text(file.read_text()[:-40] + "!" * 40)
    data = corpus(file)
    with pytest.raises(DataError, match="the validation text has the character '!', which is not in the training text"):
        data.setup("fit")


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"test_fraction": 1.0}, "test_fraction is 1.0"),
        ({"tokenizer": WordTokenizer()}, "tokenizer is a WordTokenizer, which is not lossless"),
    ],
)
def test_refused_arguments(file, argument, message):
    with pytest.raises(ValueError, match=message):
        corpus(file, **argument)


def test_the_stream_holds_all_documents_behind_the_end_of_text(file):
    data = corpus(file)
    data.setup("fit")
    stream = data.stream(["012", "34"], "test")
    assert stream.dtype == np.uint16
    assert stream.tolist() == [0, *data.tokenizer.encode(["012"])[0], 0, *data.tokenizer.encode(["34"])[0]]


def test_a_restored_run_keeps_its_tokens(file, tmp_path):
    data = corpus(file)
    data.setup("fit")
    data.save(tmp_path)
    restored = corpus(file)
    restored.restore(tmp_path)
    restored.setup("test")
    before, after = data.provided(), restored.provided()
    assert (after["vocab_size"], after["max_tokens"]) == (before["vocab_size"], before["max_tokens"]) == (12, 8)
    assert after["token_bytes"].tolist() == before["token_bytes"].tolist()
    assert after["token_bytes"].tolist()[2:] == [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9"]
    assert restored.samples["test"].stream.tolist()[1:] == data.tokenizer.encode([file.read_text()[270:]])[0]


def test_workers_read_the_same_batches(file):
    epochs = []
    for num_workers in (0, 2):
        data = corpus(file, num_workers=num_workers)
        data.setup("fit")
        epochs.append([batch.inputs.tolist() for batch in data.train_dataloader()])
    assert epochs[0] == epochs[1]
    assert len(epochs[0]) == 14  # 29 whole windows after any offset


def test_a_file_that_is_there_is_not_downloaded(file, tmp_path):
    source = {"url": f"file://{tmp_path}/none", "sha256": "0" * 64}
    corpus(file, download=source).prepare_data()
    with pytest.raises(DataError, match=r"cannot download file://[\s\S]*Download it by other means to .*new\.txt"):
        corpus(tmp_path / "new.txt", download=source).prepare_data()


def test_prompts_are_lines_or_whole_texts(file, tmp_path):
    data = corpus(file, suffixes=[".md"])
    data.setup("fit")
    (tmp_path / "p.txt").write_bytes(b"12\r\n\n3")
    (tmp_path / "q.md").write_text("4567")
    samples, names = data.read([tmp_path / "p.txt", tmp_path / "q.md"])
    assert names == [f"{tmp_path}/p.txt:1", f"{tmp_path}/p.txt:3", f"{tmp_path}/q.md"]
    assert samples.__getitems__([0, 2]).lengths.tolist() == [2, 4]
    record = {"prompt": "4567", "continuation": "89"}
    assert data.records(samples, 2, torch.tensor(data.tokenizer.encode(["89"])[0])) == [record]
    (tmp_path / "p.txt").write_text("\n")
    with pytest.raises(DataError, match=r"no text in .*p\.txt"):
        data.read([tmp_path / "p.txt"])


def test_drawing_takes_any_sign(file):
    data = corpus(file, tokenizer=BytePairTokenizer(257))
    data.tokenizer.train([])
    (tokens,) = map(torch.tensor, data.tokenizer.encode(["$x^ costs\n\t5$ \\frac"]))
    figure = Figure()
    target = torch.cat([tokens, torch.tensor([IGNORE_INDEX])])
    losses = torch.cat([torch.full((len(tokens),), 2.0), torch.zeros(1)])
    data.draw_prediction(figure.subplots(), tokens, target, losses)
    figure.canvas.draw()  # would raise an error if the text were parsed as a formula
    assert figure.axes[0].texts[0].get_text() == "$x^ costs\n    5$ \\frac"
    assert figure.axes[0].get_title() == "2.00 nats a token"
    assert data.describe_prediction(tokens, target, losses) == {"text": "$x^ costs\n\t5$ \\frac"}
    assert data.source_of("test", 0) is None


def test_stdlib_source_is_split_by_files():
    data = StdlibSource()
    train, validation, test = (data.load_documents(split) for split in ("train", "validation", "test"))
    assert not set(train) & set(validation) | set(train) & set(test) | set(validation) & set(test)
    assert sum(len(text) for text in train) > 1_000_000
    assert min(len(validation), len(test)) > 10
    assert data.load_documents("test") == test
    assert StdlibSource(split_seed=1).load_documents("test") == test


def prepared(file, cache, tokenizer=None, **options):
    data = CorpusFiles(
        str(file), tokenizer=tokenizer or CharacterTokenizer(), max_tokens=8, batch_size=4, cache=cache, **options
    )
    data.setup("fit")
    data.setup("test")
    return data


def all_batches(data):
    loaders = (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())
    return [part for loader in loaders for batch in loader for part in batch[:2]]


def test_batches_are_the_same_whether_the_stream_is_mapped_or_on_a_device(file, tmp_path, monkeypatch):
    cache = str(tmp_path / "cache")
    plain = all_batches(prepared(file, None))
    assert not (tmp_path / "cache").exists()
    first = all_batches(prepared(file, cache))
    monkeypatch.setattr(CharacterTokenizer, "encode", None)  # no text is encoded again
    second = prepared(file, cache)
    assert all(isinstance(second.samples[split].stream.base, np.memmap) for split in ("train", "validation", "test"))
    on_device = prepared(file, cache, storage="device", num_workers=2)
    for batches in (first, all_batches(second), all_batches(on_device)):
        assert len(batches) == len(plain)
        assert all(one.equal(other) and one.dtype is other.dtype for one, other in zip(plain, batches, strict=True))
    assert on_device.samples["train"].on_device is not None


class Reversed(CharacterTokenizer):
    """Another tokenizer with the same saved state."""

    def encode(self, texts, max_tokens=None):
        return super().encode([text[::-1] for text in texts], max_tokens)


def test_another_text_or_tokenizer_is_encoded_anew(file, tmp_path):
    cache = str(tmp_path / "cache")
    first = prepared(file, cache).samples["train"].stream
    assert not np.array_equal(prepared(file, cache, Reversed()).samples["train"].stream, first)
    assert len(prepared(file, cache, BytePairTokenizer(257)).samples["train"].stream) >= len(first)
    text = file.read_text()
    known = file.stat()
    file.write_text(text[1] + text[0] + text[2:])
    os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))
    again = prepared(file, cache).samples["train"].stream
    assert again[1:3].tolist() == first[[2, 1]].tolist()
    assert np.array_equal(again[3:], first[3:])
