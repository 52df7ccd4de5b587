"""Empty, truncated or overwritten files of a run are reported without a traceback."""

import pytest

from leyden.cli.main import main
from leyden.data import DataError, DataModule
from leyden.data.text import TextFiles
from leyden.errors import UserError
from leyden.loggers.metrics_file import MetricsFile
from leyden.run.directory import RunDirectory
from leyden.run.results import add_results, read_results

CONTENTS = [b"", b"{", b"[]", b"\x00" * 100, b"\xff\xfe", b"null", b"key: [value"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "configs" / "experiment").mkdir(parents=True)
    (tmp_path / "configs" / "train.yaml").touch()
    monkeypatch.chdir(tmp_path)
    config = {"name": "nothing", "runs": "runs", "preemption": [], "launcher": {}, "data": {}}
    return RunDirectory.create(config, tmp_path, [])


def refused(capsys, *words):
    assert main(list(words)) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: repr(content[:4]))
def test_damaged_status(run, content, capsys):
    other = RunDirectory.create(run.config, run.path.parents[2], [])
    (run.path / "status.json").write_bytes(content)
    assert main(["status", str(run.path), str(other.path)]) == 2
    output = capsys.readouterr()
    assert "created" in output.out  # of the other run
    assert "status.json is damaged" in output.err
    assert "status.json is damaged" in refused(capsys, "resume", str(run.path))
    _, _, remedy = output.err.partition("replace its content by: ")
    (run.path / "status.json").write_text(remedy)
    assert run.status["id"] in run.path.name


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: repr(content[:4]))
def test_damaged_configuration(run, content, capsys):
    (run.path / "config.yaml").write_bytes(content)
    for words in (["resume", str(run.path)], ["test", str(run.path)], ["sync", str(run.path)], ["data", str(run.path)]):
        assert "config.yaml is damaged" in refused(capsys, *words)
    (run.path / "config.yaml").unlink()
    assert "has no config.yaml" in refused(capsys, "resume", str(run.path))


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: repr(content[:4]))
def test_damaged_results_are_replaced(run, content):
    (run.path / "results.json").write_bytes(content)
    add_results(run.path, "best", {"test": {"test/loss": 0.5}}, {"file": "checkpoints/best.ckpt"})
    assert read_results(run.path)["test"]["best"] == {"test/loss": 0.5}


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: repr(content[:4]))
def test_damaged_data_json(run, content):
    (run.path / "data.json").write_bytes(content)
    with pytest.raises(DataError, match=r"data\.json is damaged .*restore it from a backup"):
        DataModule().restore(run.path)
    (run.path / "data.json").unlink()
    with pytest.raises(DataError, match=r"there is no .*data\.json: was this run stopped"):
        DataModule().restore(run.path)


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: repr(content[:4]))
def test_damaged_vocabulary(run, content):
    (run.path / "data.json").write_text("{}")
    (run.path / "tokenizer.json").write_bytes(content)
    with pytest.raises(DataError, match=r"tokenizer\.json is damaged .*restore it from a backup"):
        TextFiles("a.csv").restore(run.path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n1,2\n", b"step,loss\n1,0.\xff\n2,0", b"step,loss\n1,2\n\x00\x00"])
def test_damaged_metrics(run, content):
    (run.path / "metrics.csv").write_bytes(content)
    file = MetricsFile(run.path / "metrics.csv")
    file.truncate(file.num_rows)  # as a run that resumes does
    file.append({"step": 3})
    assert file.rows()[-1]["step"] == "3"


def test_folder_without_run(run, capsys):
    assert "is not a run directory" in refused(capsys, "test", str(run.path.parent))
    assert "there is no run" in refused(capsys, "test", "nowhere")
    with pytest.raises(UserError, match="is not a run directory"):
        RunDirectory(run.path / "checkpoints")
