import csv
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from leyden.predict import predict

RECORDS = {
    "two": [{"class": "a", "score": 0.5}, {"class": "b", "score": 0.25}],
    "none": [],
    "picture": [{"mask": Image.new("L", (3, 2), 7), "shares": {"x": 0.25, "y": 0.75}}],
}


@pytest.fixture
def worker(tmp_path):
    """The parts of a worker that `predict` uses, with predictions that are known."""
    data = SimpleNamespace(read=lambda inputs: (None, [f"in/{name}.png" for name in RECORDS]))
    data.records = lambda rows, number, prediction: RECORDS[prediction]
    return SimpleNamespace(data=data, run=SimpleNamespace(path=tmp_path), predict=lambda rows, checkpoint: [*RECORDS])


def written(worker, form):
    output = worker.run.path / "written"
    predict(worker, [Path("in")], "best", output, form)
    return output.read_text()


def test_csv_has_a_column_for_each_name_and_a_line_for_each_record(worker, tmp_path):
    lines = list(csv.DictReader(written(worker, "csv").splitlines()))
    assert list(lines[0]) == ["input", "class", "score", "mask", "x", "y"]
    assert [line["input"] for line in lines] == ["in/two.png", "in/two.png", "in/none.png", "in/picture.png"]
    assert [line["class"] for line in lines] == ["a", "b", "", ""]
    assert lines[3]["mask"] == str(tmp_path / "predictions" / "00002-picture.png")
    with Image.open(lines[3]["mask"]) as picture:
        assert picture.size == (3, 2)


def test_jsonl_keeps_dicts(worker):
    lines = [json.loads(line) for line in written(worker, "jsonl").splitlines()]
    assert lines[1] == {"input": "in/two.png", "class": "b", "score": 0.25}
    assert lines[2] == {"input": "in/none.png"}
    assert lines[3]["shares"] == {"x": 0.25, "y": 0.75}


def test_what_was_written_before_stays_until_all_is_predicted(worker, tmp_path):
    before = written(worker, "csv")
    worker.predict = lambda rows, checkpoint: 1 / 0
    with pytest.raises(ZeroDivisionError):
        written(worker, "csv")
    assert (tmp_path / "written").read_text() == before


def test_the_terminal_and_a_device_are_written_as_they_are(worker, capsys):
    predict(worker, [Path("in")], "best", None, "jsonl")
    assert len(capsys.readouterr().out.splitlines()) == 4
    predict(worker, [Path("in")], "best", Path("/dev/null"), "jsonl")
    assert Path("/dev/null").is_char_device()
