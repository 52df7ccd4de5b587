import csv
from io import StringIO

import pytest
from run_files import write_curves, write_run

from leyden.cli.main import main


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "train.yaml").touch()
    for seed in range(3):
        write_run(tmp_path, "vision/digits", seed, 0.001, 0.9 + seed / 100)
        write_run(tmp_path, "vision/digits", seed, 0.01, 0.95 + seed / 200)
    write_run(tmp_path, "vision/digits", 7, 0.01, None, state="failed")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def output(capsys, *words, code=0):
    assert main(words) == code
    out, error = capsys.readouterr()
    return error if code else out


def test_runs_are_listed_in_every_format(project, capsys):
    words = ["runs", "vision", "--sort", "test/accuracy", "--reverse", "test/accuracy>0.9"]
    rows = list(csv.DictReader(StringIO(output(capsys, *words, "--format", "csv"))))
    assert [row["test/accuracy"] for row in rows] == ["0.96", "0.955", "0.95", "0.92", "0.91"]
    assert rows[0]["model.optimizer.lr"] == "0.01"
    assert rows[0]["run"].startswith("runs/vision/digits/")
    assert "failed" in output(capsys, "runs", "state=failed")
    assert output(capsys, "runs", "--limit", "2", "--columns", "seed").count("20261129") == 2


def test_a_misspelt_column_is_refused(project, capsys):
    assert "did you mean 'test/accuracy'" in output(capsys, "runs", "--columns", "seed,test/acuracy", code=2)
    assert output(capsys, "runs", "state=failed", "--columns", "test/accuracy").count("20261129") == 1


def test_nothing_to_list_is_no_error(project, capsys):
    assert output(capsys, "runs", "seed=99") == ""


def test_groups_are_compared_in_every_format(project, capsys):
    words = ["compare", "vision/digits", "--by", "model.optimizer.lr"]
    table = output(capsys, *words, "--against", "0.001")
    assert "difference from lr=0.001" in table
    assert "Paired t-test" in table
    rows = list(csv.DictReader(StringIO(output(capsys, *words, "--format", "csv"))))
    assert [(row["model.optimizer.lr"], row["n"]) for row in rows] == [("0.001", "3"), ("0.01", "3")]
    assert output(capsys, *words, "--format", "latex").startswith(r"\begin{tabular}")
    assert output(capsys, *words, "--format", "markdown").startswith("| lr |")


def test_notes_on_a_table_in_a_file_are_whole_lines(project, capsys):
    words = ["vision/digits", "--by", "model.optimizer.lr", "--against", "0.001", "--format", "markdown"]
    assert main(["compare", *words]) == 0
    assert capsys.readouterr().err.endswith("p-values are two-sided.\n")


def test_runs_without_the_metric_are_reported_with_their_states(project, capsys):
    assert main(["compare", "vision/digits", "--by", "model.optimizer.lr"]) == 0
    assert capsys.readouterr().err == "excluded: 1 of 7 runs have no final test/accuracy (1 failed)\n"


def test_a_metric_of_no_run_is_reported_with_their_states(project, capsys):
    error = output(capsys, "compare", "vision/digits", "--metric", "error", code=2)
    assert error == "excluded: 7 of 7 runs have no final error (6 finished, 1 failed)\n"


def test_curves_of_groups_are_drawn(project, capsys):
    for path in (project / "runs").glob("*/*/*"):
        write_curves(path)
    assert main(["compare", "vision", "--by", "model.optimizer.lr", "--plot", "curves.svg"]) == 0
    assert "curves.svg: lines are means of 3 runs" in capsys.readouterr().err
    assert (project / "curves.svg").is_file()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["runs", "visoin"], "did you mean"),
        (["runs", "--sort", "test/acuracy"], "did you mean 'test/accuracy'"),
        (["compare", "vision/digits"], "add --by model.optimizer.lr"),
        (["compare", "--by", "sed"], "did you mean 'seed'"),
        (["compare", "state=failed"], "no finished runs"),
        (["compare", "--plot", "curves.gif"], "expected a file with the suffix .png, .svg or .pdf, got curves.gif"),
        (["runs", "--jsno"], "unrecognized arguments: --jsno"),
    ],
)
def test_mistakes_are_refused(project, capsys, words, reason):
    assert reason in output(capsys, *words, code=2)


def test_two_runs_differ_in_settings_and_metrics(project, capsys):
    first, second = sorted((project / "runs/vision/digits").iterdir())[:2]
    for path in (first, second):
        (path / "code.json").write_text('{"files": {}, "left_out": {}}')
    out = output(capsys, "diff", str(first), str(second))
    assert "model.optimizer.lr" in out
    assert "test/accuracy" in out
    assert "code: no difference" in out
    assert "there is no run" in output(capsys, "diff", str(first), "digts", code=2)


def test_run_is_compared_with_a_given_reproduction(project, capsys, monkeypatch):
    monkeypatch.setattr("leyden.cli.reproduce.require_trust", lambda *args, **kwargs: None)  # these runs hold no code
    first = min((project / "runs/vision/digits").iterdir())
    second = write_run(project, "vision/digits", 0, 0.001, 0.2)
    assert main(["reproduce", str(first), "--with", str(second)]) == 1
    assert "different: " in capsys.readouterr().out
    assert "equal metrics: " in output(capsys, "reproduce", str(first), "--with", str(first))
    assert "--with compares one run" in output(capsys, "reproduce", "runs", "--with", str(first), code=2)
