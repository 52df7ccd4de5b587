import csv
import io
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
    output = io.StringIO()
    predict(worker, [Path("in")], "best", output, form)
    return output.getvalue()


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
