import pytest
import torch
from matplotlib.figure import Figure

from leyden.callbacks.prediction_plots import Example, grid
from leyden.data import Batch, DataError
from leyden.data.text import TextFiles, WordTokenizer


@pytest.fixture
def table(tmp_path):
    samples = [
        f"{animal},{noise} number{number}"
        for animal, noise in [("cat", "meow"), ("dog", "bark bark")]
        for number in range(10)
    ]
    path = tmp_path / "train.csv"
    path.write_text("label,text\n" + "\n".join(samples) + "\n")
    return path


def text_data(table, **arguments):
    arguments.setdefault("tokenizer", WordTokenizer(min_frequency=1))
    return TextFiles(str(table), batch_size=4, **arguments)


def test_vocabulary_comes_from_the_training_samples_alone(table):
    data = text_data(table)
    data.setup("fit")
    training, validation = data.samples["train"], data.samples["validation"]
    assert all((sample != data.tokenizer.unknown).all() for sample in rows_of(training))
    # Every number occurs in two samples, so that the words of held-out samples are known, as are both words of noise.
    assert data.vocab_size == 2 + len({token.item() for sample in rows_of(training) for token in sample})
    assert len(training) + len(validation) == 16


def rows_of(subset):
    return [subset.dataset.inputs[sample] for sample in subset.indices]


def test_batches_are_padded_token_ids_with_lengths(table):
    data = text_data(table)
    data.setup("fit")
    batch = data.samples["train"].dataset.__getitems__([0, 15])
    assert batch.inputs.dtype is torch.int32
    assert batch.lengths.tolist() == [2, 3]
    assert batch.inputs[0, 2] == data.tokenizer.padding
    on_device = data.batch_transform("test")(batch)
    assert on_device.inputs.dtype is torch.int64
    assert (on_device.inputs == batch.inputs).all()


def test_published_for_the_network(table):
    data = text_data(table, max_tokens=7)
    data.setup("fit")
    assert data.provided() == {
        "num_classes": 2,
        "class_names": ["cat", "dog"],
        "class_counts": [7, 7],
        "vocab_size": data.tokenizer.vocab_size,
        "max_tokens": 7,
        "word_vectors": None,
    }


def test_empty_text_is_one_unknown_token(table):
    data = text_data(table)
    data.setup("fit")
    assert [sample.tolist() for sample in data.encode(["", "  "])] == [[data.tokenizer.unknown]] * 2


def test_long_samples_are_truncated_or_refused(table, caplog):
    data = text_data(table, max_tokens=2)
    data.setup("fit")
    caplog.clear()
    assert [len(sample) for sample in data.encode(["bark bark bark", "bark"])] == [2, 1]
    assert [record.getMessage() for record in caplog.records] == [
        "1 of 2 texts are truncated to data.max_tokens=2 tokens"
    ]
    with pytest.raises(DataError, match=r"'bark bark number\d' has 3 tokens: raise data.max_tokens=2"):
        text_data(table, max_tokens=2, too_long="raise").setup("fit")


def test_word_dropout_in_training_only(table):
    data = text_data(table, word_dropout=0.5)
    batch = Batch(torch.full((8, 100), 5, dtype=torch.int32), torch.zeros(8))
    assert (data.batch_transform("test")(batch).inputs == 5).all()
    dropped = data.batch_transform("train")(batch).inputs == data.tokenizer.unknown
    assert 0.4 < dropped.float().mean() < 0.6


def test_a_restored_run_keeps_its_words_and_classes(table, tmp_path):
    data = text_data(table)
    data.setup("fit")
    data.save(tmp_path)
    restored = text_data(table, tokenizer=WordTokenizer())
    restored.restore(tmp_path)
    table.write_text(table.read_text().replace("meow", "purr"))
    restored.setup("test")
    assert restored.provided() == data.provided()
    assert restored.encode(["meow bark"])[0].tolist() == data.encode(["meow bark"])[0].tolist()


def test_lines_of_text_files_are_samples(table, tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_bytes("\ufeffmeow\r\n\r\n  bark bark \r\n".encode())
    (folder / "b.txt").write_text("meow\x85meow\n")  # one line, although str.splitlines would split it
    data = text_data(table)
    data.setup("fit")
    samples, names = data.read([folder])
    assert names == [f"{folder}/a.txt:1", f"{folder}/a.txt:3", f"{folder}/b.txt:1"]
    assert data.tokenizer.decode(samples.inputs[1].tolist()) == "bark bark"
    assert samples.inputs[0].tolist() == data.encode(["meow"])[0].tolist()  # the byte order mark is removed


def test_text_that_cannot_be_read_is_named(table, tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("naïve".encode("latin-1"))
    data = text_data(table)
    data.setup("fit")
    with pytest.raises(DataError, match=r"latin.txt is not utf-8: byte 2 \(0xef\).*Set data.encoding"):
        data.read([path])
    path.write_text(" \n\n")
    with pytest.raises(DataError, match=r"no text in .*latin\.txt"):
        data.read([path])
    latin = text_data(table, encoding="latin-1")
    latin.setup("fit")
    path.write_bytes("naïve".encode("latin-1"))
    assert len(latin.read([path])[0]) == 1


def test_unknown_encoding(table):
    with pytest.raises(DataError, match=r"data\.encoding='utf-9' is unknown"):
        text_data(table, encoding="utf-9").setup("fit")


def test_drawing_takes_any_sign(table):
    data = text_data(table, tokenizer=WordTokenizer(min_frequency=1))
    data.tokenizer.train(["$x^ costs 5$ \\frac"])
    figure = Figure()
    data.draw(figure.subplots(), data.encode(["$x^ costs 5$ \\frac"])[0].long())
    figure.canvas.draw()  # would raise an error if the text were parsed as a formula
    assert "costs 5" in figure.axes[0].texts[0].get_text()


@pytest.mark.parametrize(("name", "value"), [("max_tokens", 0), ("word_dropout", 1.0), ("test_fraction", 0.0)])
def test_refused_arguments(table, name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        text_data(table, **{name: value})


def test_texts_are_encoded_some_at_a_time_and_counted_as_a_whole(table, monkeypatch, caplog):
    data = text_data(table, max_tokens=2)
    data.setup("fit")
    monkeypatch.setattr("leyden.data.text.text_data.TEXTS_PER_CALL", 2)
    caplog.clear()
    samples = data.encode(["bark", "bark bark bark", "meow bark", "", "meow meow meow"])
    assert [len(sample) for sample in samples] == [1, 2, 2, 1, 2]
    assert list(samples[2]) == list(data.encode(["meow bark"])[0])
    assert [record.getMessage() for record in caplog.records] == [
        "2 of 5 texts are truncated to data.max_tokens=2 tokens"
    ]


def test_predictions_are_the_lines_of_a_table(table):
    data = text_data(table, tokenizer=WordTokenizer(min_frequency=1))
    data.setup("fit")
    tokens = data.encode(["bark meow " * 300])[0]
    examples = [Example(0.0, 0, tokens, torch.tensor(true), torch.tensor([0.3, 0.7])) for true in (1, 0)]
    figure = grid(data, examples)
    assert figure.get_figwidth() > figure.get_figheight() * 5
    (right, text), (wrong, _) = (axes.texts for axes in figure.axes)
    assert (right.get_text(), right.get_color()) == ("dog 0.70", "black")
    assert (wrong.get_text(), wrong.get_color()) == ("dog 0.70, not cat 0.30", "red")
    assert text.get_text().startswith("bark meow")
    assert text.get_text().count("\n") == 2
    figure.canvas.draw()


def test_a_prediction_is_described_by_its_text_and_classes(table):
    data = text_data(table)
    data.setup("fit")
    tokens, target = data.samples["train"].dataset.__getitems__([0]).sample(0)
    described = data.describe_prediction(tokens, target, torch.tensor([0.25, 0.75]))
    assert described["text"].startswith("meow")
    assert list(described.values())[1:] == ["cat", "dog", 0.75, 0.25]
    assert data.source_of("train", 0).startswith("meow number")  # the text as it stands in the table
