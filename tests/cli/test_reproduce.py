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
def test_run_of_an_edited_project_is_reproduced_to_the_bit(project):
    project.destroy_code()
    experiment = SHORT[0].partition("=")[2]
    out = project.command("reproduce", experiment)
    assert "bit-equal" in out
    assert "there is no run" in project.command("reproduce", "digts", code=2)
