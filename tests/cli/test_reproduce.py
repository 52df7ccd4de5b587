import pytest
from working_project import SHORT, WorkingProject


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a run, and a table of its results."""
    project = WorkingProject(tmp_path_factory.mktemp("project"))
    project.command("train", *SHORT)
    table = project.command("runs", "--format", "csv", "--columns", "test/accuracy,test/loss,seed")
    (project.root / "results.csv").write_text(table)
    return project


@pytest.mark.slow
def test_runs_of_a_table_are_trained_again(project):
    out = project.command("reproduce", "results.csv")
    assert "equal metrics: leyden train" in out


@pytest.mark.slow
def test_a_run_that_fails_does_not_end_the_reproduction_of_a_table(project):
    head, row = (project.root / "results.csv").read_text().splitlines()
    failing = row.replace("leyden train", "leyden train model.optimizer.lr=1e38")
    (project.root / "failing.csv").write_text("\n".join([head, failing, row]))
    out = project.command("reproduce", "failing.csv", code=1)
    assert "failed: leyden train model.optimizer.lr=1e38" in out
    assert "ended with exit code 1; see its log.txt" in out
    assert "equal metrics: leyden train experiment" in out
    assert "1 of 2 runs were reproduced" in out


@pytest.mark.slow
def test_run_of_an_edited_project_is_reproduced_to_the_bit(project):
    project.destroy_code()
    experiment = SHORT[0].partition("=")[2]
    out = project.command("reproduce", experiment)
    assert "bit-equal" in out
    assert "there is no run" in project.command("reproduce", "digts", code=2)
