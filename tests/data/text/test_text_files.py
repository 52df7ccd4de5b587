import hashlib
import json
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from threading import Thread

import pytest

from leyden.data import DataError
from leyden.data.text import TextFiles

ROWS = (["meow, said the cat", 'bark "loudly"'], ["cat", "dog"])


def read(path, content, **arguments):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return TextFiles(str(path), test=str(path), **arguments).load_texts("train")


def test_csv_with_quotes(tmp_path):
    content = 'label,text\ncat,"meow, said the cat"\ndog,"bark ""loudly"""\n'
    assert read(tmp_path / "a.csv", content) == ROWS


def test_csv_with_carriage_returns_byte_order_mark_and_empty_lines(tmp_path):
    content = '\ufefflabel,text\r\n\r\ncat,"meow, said the cat"\r\n,\r\ndog,"bark ""loudly"""\r\n\r\n'
    assert read(tmp_path / "a.csv", content) == ROWS


def test_csv_without_header_and_with_two_columns_of_text(tmp_path):
    content = "3,Wall St.,Bears\n4,Mars,Water\n"
    texts, labels = read(tmp_path / "a.csv", content, label=0, text=[1, 2], names={4: "Science", 3: "Business"})
    assert texts == ["Wall St. Bears", "Mars Water"]
    assert labels == ["Business", "Science"]


def test_names_set_the_order_of_the_classes(tmp_path):
    data = TextFiles("a.csv", names={4: "Science", 3: "Business"})
    assert data.class_names == ["Science", "Business"]


def test_tsv_takes_quotes_as_they_are(tmp_path):
    content = 'label\ttext\ncat\tmeow, said the cat\ndog\tbark "loudly"\n'
    assert read(tmp_path / "a.tsv", content) == ROWS
    assert read(tmp_path / "b.tsv", 'label\ttext\ncat\t"meow\ndog\tbark"\n')[0] == ['"meow', 'bark"']


def test_jsonl(tmp_path):
    lines = [json.dumps({"kind": label, "body": text}) for text, label in zip(*ROWS, strict=True)]
    assert read(tmp_path / "a.jsonl", "\n\n".join(lines), text="body", label="kind") == ROWS
    assert read(tmp_path / "b.jsonl", '{"text": "one", "label": 1}')[1] == ["1"]


def test_lines_by_pattern_in_latin_1(tmp_path):
    content = "DESC:manner How did it begin ?\nHUM:ind Who was Fran\xe7ois ?\n".encode("latin-1")
    texts, labels = read(tmp_path / "a.label", content, pattern=r"^(?P<label>\w+):\S+ (?P<text>.*)", encoding="latin-1")
    assert texts == ["How did it begin ?", "Who was François ?"]
    assert labels == ["DESC", "HUM"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            "label,txet\ncat,meow\n",
            r"a.csv:2: there is no column 'text', only 'label', 'txet'; did you mean 'txet'",
        ),
        ("a.csv", "label,text\ncat\n", r"a.csv:2: expected 2 cells, \['label', 'text'\], got 1"),
        ("a.csv", 'label,text\ncat,"meow\n', r"a.csv:\d: unexpected end of data"),
        ("a.csv", "label,text\n ,meow\n", r"a.csv:2: empty label \(column 'label'\)"),
        ("a.jsonl", '{"text": "meow", "label": "cat"}\n{"text"\n', r"a.jsonl:2: not JSON at column 8"),
        ("a.jsonl", '["meow"]', r"a.jsonl:1: expected a JSON object"),
        ("a.jsonl", '{"text": null, "label": "cat"}', r"a.jsonl:1: column 'text' holds None"),
        ("a.csv", b"label,text\ncat,caf\xe9 noir\n", r"a.csv is not utf-8: byte 18 \(0xe9\)"),
        ("a.doc", "cat meow", r"a.doc: expected .csv, .tsv or .jsonl"),
    ],
)
def test_errors_name_file_and_line(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path / name, content)


def test_pattern_that_does_not_match(tmp_path):
    with pytest.raises(DataError, match=r"a.txt:3: data.pattern=.* does not match 'no label'"):
        read(tmp_path / "a.txt", "cat: meow\n\nno label\n", pattern="(?P<label>.*): (?P<text>.*)")


def test_label_without_a_name(tmp_path):
    with pytest.raises(DataError, match=r"the label '5', which is not in data\.names"):
        read(tmp_path / "a.csv", "5,meow\n", label=0, text=1, names={1: "cat"})


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"there is no file .*none.csv: set data.train"):
        TextFiles(str(tmp_path / "none.csv")).load_texts("train")


def test_columns_by_name_and_number():
    with pytest.raises(ValueError, match="use names for all columns, or indices"):
        TextFiles("a.csv", text="text", label=0)


def test_without_a_test_file_a_stratified_part_is_held_out(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("label,text\n" + "".join(f"{label},{label}{row}\n" for label in "ab" for row in range(10)))
    data = TextFiles(str(path), test_fraction=0.3)
    (train, train_labels), (test, test_labels) = data.load_texts("train"), data.load_texts("test")
    assert sorted(train + test) == sorted(f"{label}{row}" for label in "ab" for row in range(10))
    assert (train_labels.count("a"), test_labels.count("a"), test_labels.count("b")) == (7, 3, 3)


def test_class_in_the_test_file_only(tmp_path, caplog):
    (tmp_path / "train.csv").write_text("label,text\n" + "cat,meow\ndog,bark\n" * 10)
    (tmp_path / "test.csv").write_text("label,text\ncow,moo\n")
    train, test = (str(tmp_path / name) for name in ("train.csv", "test.csv"))
    refused = "class 'cow' has no training sample: its 1 other samples cannot be classified"
    with pytest.raises(DataError, match=refused):
        TextFiles(train, test=test).setup("fit")
    data = TextFiles(train, test=test, classes=["cat", "cow", "dog"])
    data.setup("fit")
    data.setup("test")
    assert refused in caplog.text
    assert data.samples["test"].targets.tolist() == [1]
    refusing = TextFiles(train, test=test, classes=["cat", "dog"])
    refusing.setup("fit")
    with pytest.raises(DataError, match=r"unknown labels in the test split: \['cow'\]"):
        refusing.setup("test")


def test_several_labels_a_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"label,text\r\n\r\ncat; loud,meow\r\n,mm\r\ncat,purr\r\n")
    data = TextFiles(str(path), test=str(path), label_separator=";")
    rows = data.load("train")
    assert data.class_names == ["cat", "loud"]
    assert rows.targets.tolist() == [[1, 1], [0, 0], [1, 0]]
    with pytest.raises(ValueError, match="names defines all classes"):
        TextFiles(str(path), names={"1": "cat"}, label_separator=";")


@pytest.mark.parametrize(
    ("name", "content", "arguments"),
    [
        ("a.tsv", 'label\ttext\ncat\tmeow "loud"\ndog\tbark\n', {}),
        ("a.csv", 'text,label\n"meow ""loud""",cat\nbark,dog\n', {}),
        ("a.csv", 'cat,"meow ""loud"""\ndog,bark\n', {"text": 1, "label": 0}),
        ("a.jsonl", '{"text": "meow \\"loud\\"", "label": "cat"}\n{"text": "bark", "label": "dog"}\n', {}),
        ("a.label", 'cat: meow "loud"\ndog: bark\n', {"pattern": r"^(?P<label>\w+): (?P<text>.*)"}),
        ("a.txt", 'cat: meow "loud"\ndog: bark\n', {"pattern": r"^(?P<label>\w+): (?P<text>.*)"}),
    ],
)
def test_predicting_reads_tables_as_training_does(tmp_path, name, content, arguments):
    path = tmp_path / name
    path.write_text(content)
    data = TextFiles(str(path), test=str(path), **arguments)
    rows = data.load("train")
    again, names = data.read([tmp_path])
    assert [again.inputs[row].tolist() for row in range(2)] == [rows.inputs[row].tolist() for row in range(2)]
    assert [name.rpartition(":")[0] for name in names] == [str(path)] * 2
    # Lines of plain text are also accepted.
    (tmp_path / "more.txt").write_text("meow\n\nbark\n")
    assert data.read([tmp_path / "more.txt"])[1] == [f"{tmp_path}/more.txt:1", f"{tmp_path}/more.txt:3"]


def test_a_table_to_predict_needs_no_labels_but_its_texts(tmp_path):
    (tmp_path / "train.csv").write_text("label,text\n" + "cat,meow\ndog,bark\n" * 10)
    data = TextFiles(str(tmp_path / "train.csv"))
    data.setup("fit")
    (tmp_path / "new.csv").write_text("id,text\n7,meow\n")
    assert data.tokenizer.decode(data.read([tmp_path / "new.csv"])[0].inputs[0].tolist()) == "meow"
    (tmp_path / "new.csv").write_text("id,body\n7,meow\n")
    with pytest.raises(DataError, match=r"new\.csv:2: there is no column 'text', only 'id', 'body'"):
        data.read([tmp_path / "new.csv"])


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


@pytest.fixture
def server(tmp_path):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "train.csv").write_text("label,text\ncat,meow\n")
    with HTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(tmp_path / "served"))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def downloading(tmp_path, url, sha256):
    return TextFiles(str(tmp_path / "new" / "train.csv"), download={"train": {"url": url, "sha256": sha256}})


def test_download_with_checksum(tmp_path, server):
    digest = hashlib.sha256((tmp_path / "served" / "train.csv").read_bytes()).hexdigest()
    data = downloading(tmp_path, f"{server}/train.csv", digest)
    data.prepare_data()
    assert (tmp_path / "new" / "train.csv").read_text() == "label,text\ncat,meow\n"
    (tmp_path / "served" / "train.csv").unlink()
    data.prepare_data()  # the file exists: no request is sent


@pytest.mark.parametrize(("file", "message"), [("train.csv", "invalid hash value"), ("none.csv", "404")])
def test_refused_download_leaves_no_file(tmp_path, server, file, message):
    with pytest.raises(DataError, match=f"cannot download .*{message}"):
        downloading(tmp_path, f"{server}/{file}", "0" * 64).prepare_data()
    assert not list((tmp_path / "new").iterdir())


def table(path, words):
    path.write_text(
        "Label\tText\tauthor\n" + "".join(f"{'ab'[n % 2]}\t{word}\t{n // 2}\n" for n, word in enumerate(words))
    )
    return str(path)


def test_a_file_for_validation(tmp_path, log):
    train = table(tmp_path / "train.tsv", [f"word{n}" for n in range(20)])
    dev, test = table(tmp_path / "dev.tsv", ["new1", "word3"]), table(tmp_path / "test.tsv", ["new2", "new3"])
    data = TextFiles(train, validation=dev, test=test)
    data.setup("fit")
    data.setup("test")
    assert {stage: len(rows) for stage, rows in data.samples.items()} == {"train": 20, "validation": 2, "test": 2}
    assert "train 20 (train.tsv), validation 2 (dev.tsv), test 2 (test.tsv)" in log.text
    assert "1 samples of the validation split are also in the train split, such as 'word3'" in log.text
    # The vocabulary comes from the training texts only.
    assert data.samples["train"].inputs.flat.min() > data.tokenizer.unknown
    assert (data.samples["test"].inputs.flat == data.tokenizer.unknown).all()


def test_a_file_that_is_called_like_a_split_and_is_not_used_is_named(tmp_path, log):
    train = table(tmp_path / "train.tsv", [f"word{n}" for n in range(20)])
    dev = table(tmp_path / "dev.tsv", ["new1", "new2"])
    TextFiles(train).setup("fit")
    assert f"dev.tsv is not used; if it is the validation split: data.validation={dev}" in log.text


def test_texts_of_one_author_are_in_one_split(tmp_path):
    data = TextFiles(table(tmp_path / "all.tsv", [f"word{n}" for n in range(40)]), group="author")
    train, test = ({int(text[4:]) // 2 for text in data.load_texts(split)[0]} for split in ("train", "test"))
    assert (len(train), len(test)) == (16, 4)
    assert not train & test
    data.setup("fit")
    groups = data.samples["train"].dataset.groups
    assert not {*groups[data.samples["train"].indices].tolist()} & {
        *groups[data.samples["validation"].indices].tolist()
    }


def test_two_columns_of_one_name(tmp_path):
    with pytest.raises(DataError, match="duplicate column 'text'"):
        read(tmp_path / "a.csv", "label,text,text\ncat,meow,mew\n")


NAMES = {"train": ("train", "Training"), "validation": ("val", "dev"), "test": ("test", "TEST")}


def table_of_splits(path, names, column="split", separator=","):
    """Four rows of each split, whose texts begin with the name of the split."""
    rows = [
        separator.join((f"{split} {label} {number}", label, name))
        for split, name in names.items()
        for label in ("good", "bad")
        for number in range(2)
    ]
    path.write_text(separator.join(("text", "label", column)) + "\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(("suffix", "separator"), [("csv", ","), ("tsv", "\t")])
def test_a_column_defines_the_splits(tmp_path, which, suffix, separator):
    names = {split: forms[which] for split, forms in NAMES.items()}
    data = TextFiles(str(table_of_splits(tmp_path / f"a.{suffix}", names, "Split", separator)), num_workers=0)
    data.setup("fit")
    data.setup("test")
    assert data.official_splits() == ("train", "validation", "test")
    for split in NAMES:
        assert len(data.samples[split]) == 4
        assert {text.split()[0] for text in data.sources(split)} == {split}
    assert data.account["found"] == {"train": f"a.{suffix}", "test": "column split", "validation": "column split"}


def test_without_test_rows_some_of_training_are_held_out(tmp_path):
    names = {"train": "train", "validation": "val"}
    data = TextFiles(str(table_of_splits(tmp_path / "a.csv", names)), test_fraction=0.5, num_workers=0)
    data.setup("fit")
    data.setup("test")
    assert [len(data.samples[split]) for split in ("train", "validation", "test")] == [2, 4, 2]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"train": "trian"}, r"a\.csv:2: split is 'trian'; expected train, val, test"),
        ({"train": "test"}, r"a\.csv has no row with the split train"),
    ],
)
def test_a_column_that_has_no_splits_is_refused(tmp_path, names, message):
    with pytest.raises(DataError, match=message):
        TextFiles(str(table_of_splits(tmp_path / "a.csv", names)), num_workers=0).setup("fit")


def test_a_column_agrees_with_the_files(tmp_path):
    train, test = (
        str(table_of_splits(tmp_path / f"{split}.csv", {split: split}, "split")) for split in ("train", "test")
    )
    data = TextFiles(train, test=test, num_workers=0)
    data.setup("fit")
    data.setup("test")
    assert len(data.samples["test"]) == 4
    with pytest.raises(
        DataError, match=r"rows with split 'test' are in the file of another split: remove data\.validation"
    ):
        TextFiles(train, validation=test, num_workers=0).setup("fit")


def test_a_column_with_another_use_defines_no_split(tmp_path):
    path = table_of_splits(tmp_path / "a.csv", {"train": "one", "test": "two"})
    data = TextFiles(str(path), label="split", num_workers=0)
    data.setup("fit")
    assert list(data.class_names) == ["one", "two"]
