import csv
import io
import json
import os
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote_to_bytes

import pytest
from PIL import Image

from leyden.run.predict import predict

RECORDS = {
    "two": [{"class": "a", "score": 0.5}, {"class": "b", "score": 0.25}],
    "none": [],
    "plot": [{"mask": Image.new("L", (3, 2), 7), "shares": {"x": 0.25, "y": 0.75}}],
}


@pytest.fixture
def worker(tmp_path):
    """The parts of a worker that `predict` uses, with fixed predictions."""
    data = SimpleNamespace(read=lambda inputs: (None, [f"in/{name}.png" for name in RECORDS]))
    data.records = lambda rows, number, prediction: RECORDS[prediction]
    return SimpleNamespace(
        data=data, run=SimpleNamespace(path=tmp_path, is_writable=True), predict=lambda rows, checkpoint: [*RECORDS]
    )


def written(worker, form):
    output = worker.run.path / "written"
    predict(worker, [Path("in")], "best", output, form, io.BytesIO())
    return output.read_text()


def test_csv_columns_and_rows(worker, tmp_path):
    lines = list(csv.DictReader(written(worker, "csv").splitlines()))
    assert list(lines[0]) == ["input", "class", "score", "mask", "x", "y"]
    assert [line["input"] for line in lines] == ["in/two.png", "in/two.png", "in/none.png", "in/plot.png"]
    assert [line["class"] for line in lines] == ["a", "b", "", ""]
    assert lines[3]["mask"] == str(tmp_path / "predictions" / "00002-plot.png")
    with Image.open(lines[3]["mask"]) as plot:
        assert plot.size == (3, 2)


def test_jsonl_keeps_dicts(worker):
    lines = [json.loads(line) for line in written(worker, "jsonl").splitlines()]
    assert lines[1] == {"input": "in/two.png", "class": "b", "score": 0.25}
    assert lines[2] == {"input": "in/none.png"}
    assert lines[3]["shares"] == {"x": 0.25, "y": 0.75}


def test_output_is_replaced_after_all_predictions(worker, tmp_path):
    before = written(worker, "csv")
    worker.predict = lambda rows, checkpoint: 1 / 0
    with pytest.raises(ZeroDivisionError):
        written(worker, "csv")
    assert (tmp_path / "written").read_text() == before


def test_output_to_stdout_and_device(worker):
    stdout = io.BytesIO()
    predict(worker, [Path("in")], "best", None, "jsonl", stdout)
    assert len(stdout.getvalue().splitlines()) == 4
    predict(worker, [Path("in")], "best", Path("/dev/null"), "jsonl", stdout)
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("to_file", [True, False])
def test_names_that_are_not_utf8_are_lossless(worker, tmp_path, form, to_file):
    names = [b"/in/caf\xe9 %.png", "/in/caf\u00e9 %.png".encode(), b"/in/caf\xe8 %.png"]
    worker.data.read = lambda inputs: (None, [os.fsdecode(name) for name in names])
    stdout, path = io.BytesIO(), tmp_path / "written"
    predict(worker, [Path("in")], "best", path if to_file else None, form, stdout)
    text = (path.read_bytes() if to_file else stdout.getvalue()).decode("utf-8")
    lines = list(csv.DictReader(text.splitlines())) if form == "csv" else [*map(json.loads, text.splitlines())]
    written = list(dict.fromkeys(line["input"] for line in lines))
    assert written == ["file:///in/caf%E9%20%25.png", "/in/caf\u00e9 %.png", "file:///in/caf%E8%20%25.png"]
    assert unquote_to_bytes(written[0].removeprefix("file://")) == names[0]
    plot = lines[-1]["mask"]
    assert Path(os.fsdecode(unquote_to_bytes(plot.removeprefix("file://")))).is_file()
