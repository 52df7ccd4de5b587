import pytest
from run_files import write_curves, write_run

from leyden.cli.main import main


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "train.yaml").touch()
    for seed in range(2):
        write_curves(write_run(tmp_path, "vision/digits", seed, 0.001, 0.9 + seed / 100))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_holds_its_report_and_several_are_reported_here(project, capsys):
    assert main(["report"]) == 0  # latest
    (file,) = (project / "runs").glob("*/*/*/report.html")
    assert capsys.readouterr().out == f"{file}\n"
    assert main(["report", str(file.parent)]) == 0  # again
    assert main(["report", "vision/digits"]) == 0
    assert "2 runs" in capsys.readouterr().err
    assert "vision/digits" in (project / "report.html").read_text()
    assert main(["report", "vision", "seed=0", "--output", "one.html"]) == 0
    assert (project / "one.html").is_file()


def test_a_study_or_run_outside_of_any_project_is_reported(project, tmp_path, monkeypatch, capsys):
    study = project.parent / "study"
    (project / "runs" / "vision" / "digits").rename(project.parent / "moved")
    study.mkdir()
    (project.parent / "moved").rename(study / "runs")
    (study / "study.yaml").write_text("experiment: vision/digits\n")
    monkeypatch.chdir(project.parent)
    assert main(["report", "study"]) == 0
    assert (study / "report.html").is_file()
    run = next((study / "runs").iterdir())
    assert main(["report", str(run)]) == 0
    assert (run / "report.html").is_file()


def test_a_file_of_yours_is_kept(project, capsys):
    (project / "report.html").write_text("mine")
    assert main(["report", "vision"]) == 2
    assert "was not written by leyden report: set --output FILE" in capsys.readouterr().err
    assert (project / "report.html").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["vision/digit"], "did you mean 'vision/digits'"),
        (["sed=0"], "did you mean 'seed'"),
        (["seed=99"], "no runs match seed=99"),
        (["vision", "--output", "no/such/folder.html"], "there is no folder"),
    ],
)
def test_mistakes_are_refused(project, capsys, words, reason):
    assert main(["report", *words]) == 2
    assert reason in capsys.readouterr().err
