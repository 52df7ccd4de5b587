"""The command `data`, on images."""

import logging
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leyden.cli.inspect_data import inspect
from leyden.cli.main import main
from leyden.errors import UserError
from leyden.run.checked import checked
from leyden.run.directory import RunDirectory

ROOT = Path.cwd()


@pytest.fixture(autouse=True)
def loggers_as_before():
    root, ours = logging.getLogger(), logging.getLogger("leyden")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr("leyden.cli.inspect_data.MEASURE_SECONDS", 0.05)
    for split, number in (("train", 30), ("test", 4)):
        for n in range(number):
            path = tmp_path / "images" / split / "ab"[n % 2] / f"{n}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((9, 7, 3), n, np.uint8)).save(path)
    folder, cache = tmp_path / "images", tmp_path / "cache"
    return ["data=vision/files", f"data.root={folder}", "data.image_size=8", "data.batch_size=4", f"data.cache={cache}"]


def shown(capsys):
    return [re.split(r" {2,}", line, maxsplit=1) for line in capsys.readouterr().out.splitlines()]


def test_an_experiment_is_shown_and_cleared(settings, tmp_path, capsys):
    result = inspect("vision/digits", settings, False)
    assert result["splits"]["train"] == {"samples": 26, "storage": "memory"}
    assert result["where"] == str(tmp_path / "images")
    assert [entry["state"] for entry in result["cache"]] == ["in use"] * 2
    assert result["speed"]["batch_size"] == 4
    lines = shown(capsys)
    assert [name for name, _ in lines] == ["train", "validation", "test", "cache", "cache", "speed"]
    assert [text for _, text in lines[:3]] == ["26 samples, memory", "4 samples, memory", "4 samples, memory"]
    sizes = sorted(
        re.search(r"(\d+ samples, uint8 \[.*?\]), .* MB, decoded in .*; in use$", text)[1] for _, text in lines[3:5]
    )
    assert sizes == ["30 samples, uint8 [30, 3, 8, 8]", "4 samples, uint8 [4, 3, 8, 8]"]
    assert int(re.match(r"(\d+) samples/s: \d+ batches of 4, in this process", lines[5][1])[1]) > 0

    inspect("vision/digits", [*settings, "data.image_size=9"], False)
    states = [text.rpartition("; ")[2] for name, text in shown(capsys) if name == "cache"]
    assert sorted(states) == ["for other files or settings", "for other files or settings", "in use", "in use"]

    assert inspect("vision/digits", settings, True)["freed_bytes"] > 0
    ((name, text),) = shown(capsys)
    assert name == "freed"
    assert re.match(r"\d+\.\d MB in ", text)
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


def test_a_run_is_shown_as_it_was_frozen(settings, tmp_path, capsys):
    config = checked(["experiment=vision/digits", *settings, "data.storage=disk"]).frozen
    run = RunDirectory.create(config | {"runs": str(tmp_path / "runs")}, ROOT, ["test"])
    inspect(str(run.path), [], False)
    lines = shown(capsys)
    assert [text for _, text in lines[:3]] == [f"{n} samples, decoded in every epoch" for n in (26, 4, 4)]
    assert lines[3][0] == "speed"
    with pytest.raises(UserError, match="the settings of a run cannot be changed"):
        inspect(str(run.path), ["data.batch_size=2"], False)


def test_errors(settings):
    with pytest.raises(UserError, match=r"there is no folder /nowhere$"):
        inspect("vision/digits", [*settings, "data.root=/nowhere"], False)
    with pytest.raises(UserError, match=r"no run 'vision/digts'.* did you mean 'vision/digits'\?"):
        inspect("vision/digts", [], False)


def test_a_stream_is_written_shown_and_cleared(tmp_path, capsys, monkeypatch):
    pytest.importorskip("litdata")
    monkeypatch.setattr("leyden.cli.inspect_data.MEASURE_SECONDS", 0.05)
    folder = str(tmp_path / "stream")
    assert main(["data", "vision/digits", "--write-stream", folder]) == 0
    assert f"read it, or a copy of it, with data.stream={folder}" in capsys.readouterr().out
    assert main(["data", "vision/digits", f"data.stream={folder}", "data.num_workers=0"]) == 0
    assert "1295 samples, in a stream (chunks: 1)" in capsys.readouterr().out
    cache = ["vision/digits", f"data.stream=local:{folder}", f"data.cache={tmp_path}/cache", "data.num_workers=0"]
    assert main(["data", *cache]) == 0
    assert len(list(tmp_path.glob("cache/streams/*/train/*.bin"))) == 1
    assert main(["data", *cache, "--clear"]) == 0
    assert re.search(r"freed +0\.\d MB in", capsys.readouterr().out)
    assert not list(tmp_path.glob("cache/streams/*"))
    assert main(["data", "vision/digits", "--write-stream", folder]) == 1
    assert "already exists" in capsys.readouterr().err
    assert main(["data", "vision/digits", f"data.stream={folder}/nowhere"]) == 1
    error = capsys.readouterr().err
    assert "nowhere is not a stream, or is incomplete" in error
    assert "Traceback" not in error
