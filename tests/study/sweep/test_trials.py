"""Trials of a search, whose runs are written by hand instead of trained."""

import json
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest
import yaml

from leyden.run.directory import RunDirectory
from leyden.run.history import all_runs
from leyden.run.search_storage import JOURNAL
from leyden.study.sweep.prepare import plan_search
from leyden.study.sweep.rows import best_rows
from leyden.study.sweep.study_directory import StudyDirectory, find_study
from leyden.study.sweep.trials import Trials

EXPERIMENT = "vision/digits"
SPACE = ("model.optimizer.lr=tag(log,interval(1e-4,1e-1))", "data.batch_size=32,64")


@pytest.fixture(scope="module", autouse=True)
def project(tmp_path_factory):
    """A project of configs alone, since each study copies the files of its project."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree("configs", folder / "configs", ignore=shutil.ignore_patterns("local"))
    with chdir(folder):
        yield folder


def create(folder, *words):
    plan = plan_search([EXPERIMENT, "search=random", f"runs={folder}", *(words or SPACE)], Path.cwd())
    return StudyDirectory.create(Path.cwd(), plan.bases, **plan.settings)


@pytest.fixture
def study(tmp_path):
    return create(tmp_path, *SPACE, "search.trials=4")


def end(job, accuracy=None, state="finished", **metrics):
    """Write what a training leaves, and release the run."""
    folder = job.run.path / "checkpoints"
    folder.mkdir(exist_ok=True)
    metrics |= {"val/accuracy": accuracy} if accuracy is not None else {}
    (folder / "best.json").write_text(json.dumps({"monitor": "val/accuracy", "metrics": metrics}))
    job.run.set_state(state, seconds=3.0, **({"error": "RunError: out of paper\n..."} if state == "failed" else {}))


def train(trials, accuracy, **options):
    job = trials.next(set())
    end(job, accuracy, **options)
    trials.tell(job)
    job.held.close()
    return job


def test_first_trial_has_own_values_and_each_run_its_values(study):
    trials = Trials(study, Path.cwd())
    first = train(trials, 0.9)
    assert first.run.config["model"]["optimizer"]["lr"] == 0.003
    second = train(trials, 0.8)
    row = trials.rows()[1]
    assert second.run.config["model"]["optimizer"]["lr"] == row.choices["model.optimizer.lr"]
    assert second.run.config["data"]["batch_size"] == row.choices["data.batch_size"]
    assert second.run.status["tests"] is False
    assert (second.run.path / "code.json").read_bytes() == (study.path / "code.json").read_bytes()


def test_budget_counts_failed_and_pruned_trials(study):
    trials = Trials(study, Path.cwd())
    train(trials, None, state="failed")
    train(trials, 0.7, state="pruned")
    train(trials, 0.6)
    train(trials, None)  # without the metric
    assert trials.next(set()) is None
    assert trials.is_complete
    rows = trials.rows()
    assert [row.state for row in rows] == ["failed", "pruned", "finished", "failed"]
    assert rows[0].error == "RunError: out of paper"
    assert "val/accuracy was not measured" in rows[3].error
    assert [row.number for row in best_rows(rows, study.settings["objectives"])] == [2]


def test_killed_workers_lose_and_double_no_trial(study):
    killed = Trials(study, Path.cwd())
    running, ended = killed.next(set()), killed.next({0})
    end(ended, 0.5)  # but its worker is killed before it can tell
    killed.optuna.ask()  # and one before it can create the run
    half = study.place(2).path
    half.mkdir()
    (half / "config.yaml").write_text("half")
    for job in (running, ended):  # the system releases the locks of a killed process
        job.held.close()

    trials = Trials(StudyDirectory(study.path), Path.cwd())
    again = trials.next(set())
    assert again.number == 0
    assert again.run.path == running.run.path
    other = trials.next({0})
    assert other.number == 2
    assert other.run.config["name"] == EXPERIMENT
    assert [row.state for row in trials.rows()] == ["unfinished", "finished", "unfinished"]
    assert trials.next({0, 2}).number == 3
    assert trials.next({0, 2, 3}) is None


def test_workers_never_share_a_trial(study):
    trials = Trials(study, Path.cwd())
    job = trials.next(set())
    code = (
        "import sys; from pathlib import Path; from leyden.study.sweep.trials import Trials\n"
        "from leyden.study.sweep.study_directory import StudyDirectory\n"
        f"print(Trials(StudyDirectory(Path({str(study.path)!r})), Path.cwd()).next(set()).number)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.cwd())
    assert done.stdout == "1\n", done.stderr
    assert job.number == 0
    assert trials.next({0}).number == 1  # that process has exited


def test_resumed_search_draws_new_values(tmp_path):
    study = create(tmp_path, *SPACE, "search.trials=6")
    for _ in range(4):
        train(Trials(StudyDirectory(study.path), Path.cwd()), 0.5)
    drawn = [row.choices["model.optimizer.lr"] for row in Trials(study, Path.cwd()).rows()]
    assert len(set(drawn)) == 4


def test_incomplete_line_of_the_journal_is_removed(study):
    train(Trials(study, Path.cwd()), 0.5)
    with (study.path / JOURNAL).open("ab") as file:
        file.write(b'{"op_code": 4, "half')
    trials = Trials(StudyDirectory(study.path), Path.cwd())
    assert train(trials, 0.6).number == 1
    assert [row.values["val/accuracy"] for row in Trials(study, Path.cwd()).rows()] == [0.5, 0.6]


def test_grid_has_each_combination_once(tmp_path):
    study = create(tmp_path, "search=grid", "data.batch_size=32,64", "seed=0,1")
    trials = Trials(study, Path.cwd())
    while job := trials.next(set()):
        end(job, 0.5)
        trials.tell(job)
        job.held.close()
    choices = [tuple(row.choices.values()) for row in trials.rows()]
    assert sorted(choices) == [(32, 0), (32, 1), (64, 0), (64, 1)]
    assert trials.is_complete


def test_conditional_settings_are_drawn_with_their_condition_only(tmp_path):
    momentum = "search.space.model.optimizer.momentum={low: 0.8, high: 0.9, when: {optim: sgd}}"
    study = create(tmp_path, "search=tpe", "optim=adamw,sgd", momentum, "search.trials=6")
    trials = Trials(study, Path.cwd())
    for _ in range(6):
        run = train(trials, 0.5).run
        optimizer = run.config["model"]["optimizer"]
        assert optimizer["_target_"].endswith("SGD") == ("momentum" in optimizer)
    drawn = [row.choices for row in trials.rows()]
    assert {row["optim"] for row in drawn} == {"adamw", "sgd"}
    assert all(("model.optimizer.momentum" in row) == (row["optim"] == "sgd") for row in drawn)


def test_several_objectives_have_a_front(tmp_path):
    objectives = "search.objectives={val/accuracy: max, seconds: min}"
    study = create(tmp_path, "search=tpe", *SPACE, objectives, "search.trials=3")
    trials = Trials(study, Path.cwd())
    for accuracy, seconds in ((0.9, 5.0), (0.95, 9.0), (0.8, 7.0)):
        job = trials.next(set())
        end(job, accuracy)
        job.run.update_status(seconds=seconds)
        trials.tell(job)
        job.held.close()
    assert [row.number for row in best_rows(trials.rows(), study.settings["objectives"])] == [1, 0]
    assert sorted(trial.number for trial in trials.optuna.best_trials) == [0, 1]  # Optuna's own front
    assert trials.importances()


def test_cmaes_and_a_database(tmp_path):
    url = f"search.storage=sqlite:///{tmp_path}/trials.db"
    study = create(tmp_path, "search=cmaes", SPACE[0], "model.label_smoothing=interval(0.0,0.3)", url)
    for _ in range(7):  # more than a population
        train(Trials(study, Path.cwd()), 0.5)
    assert len(Trials(study, Path.cwd()).rows()) == 7
    assert not (study.path / JOURNAL).exists()


def test_studies_and_their_runs_are_found(study, tmp_path, monkeypatch):
    run = train(Trials(study, Path.cwd()), 0.5).run
    named = {entry.path: entry.name for entry in all_runs(Path.cwd())}
    assert named[run.path] == EXPERIMENT
    monkeypatch.setattr("leyden.study.sweep.study_directory.folders", lambda root: [tmp_path])
    assert find_study(EXPERIMENT, Path.cwd()).path == find_study(study.path.name[-8:], Path.cwd()).path == study.path
    assert RunDirectory(run.path).config["runs"] == str(tmp_path)
    assert yaml.safe_load((study.path / "study.yaml").read_text())["experiment"] == EXPERIMENT


def test_best_trial_meets_the_constraints(tmp_path):
    study = create(tmp_path, *SPACE, 'search.constraints=["val/loss<=0.5","seconds<9"]', "search.trials=4")
    trials = Trials(study, Path.cwd())
    for accuracy, loss in ((0.7, 0.5), (0.9, 0.6), (0.8, 0.1)):
        train(trials, accuracy, **{"val/loss": loss})
    train(trials, 0.95)  # without a loss
    rows = trials.rows()
    assert [row.state for row in rows] == ["finished", "infeasible", "finished", "failed"]
    assert [row.metrics for row in rows] == [{"val/loss": 0.5}, {"val/loss": 0.6}, {"val/loss": 0.1}, {}]
    assert rows[3].error == "val/loss was not measured: val/accuracy was"
    assert best_rows(rows, trials.objectives) == [rows[2]]
