"""`leyden sweep`: what is refused, printed, trained, stopped and resumed."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

import leyden
from leyden.config.compose import compose

ROOT = Path.cwd()
EXPERIMENT = "vision/digits"
RATES = "model.optimizer.lr=tag(log,interval(1e-4,1e-1))"
SHORT = ["trainer=debug", "trainer.max_steps=-1", "trainer.max_epochs=2", "data.num_workers=0", "launcher.fork=true"]
SHORT += ["callbacks.plots=null", "callbacks.curves=null"]


def sweep(*words, code=0, verb="sweep"):
    command = [sys.executable, "-m", leyden.__name__, verb, *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def only_study(folder):
    (file,) = folder.glob("studies/*/*/*/study.yaml")
    return file.parent


def runs(folder):
    return sorted((only_study(folder) / "runs").iterdir())


def status(run):
    return json.loads((run / "status.json").read_text())


def results(folder):
    with (only_study(folder) / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model.optimizer.lrr=1,2"], "no argument 'lrr'; did you mean 'lr'"),
        (["init_from=missing.ckpt,other.ckpt"], "other.ckpt: there is no file"),
        (["search=tpe", RATES, "init_from=missing.ckpt"], "there is no file"),
        (["search=tpee"], "did you mean 'tpe'"),
        (["search=tpe", RATES, "search.objectives={test/accuracy: max}"], "use val/accuracy"),
        (["--resume", "no/such/study", "seed=1"], "cannot change"),
    ],
)
def test_mistakes_start_nothing(words, message, tmp_path):
    words = words if "--resume" in words else [EXPERIMENT, f"runs={tmp_path}", *words]
    assert message in sweep(*words, code=2)[1]
    assert not list(tmp_path.iterdir())


def test_dry_run_starts_nothing(tmp_path):
    words = [EXPERIMENT, f"runs={tmp_path}", "--dry-run"]
    script, _ = sweep(*words, "launcher=slurm", "trainer=cpu", "seed=1,2,3")
    assert "#SBATCH --array=0-2" in script
    described = yaml.safe_load(sweep(*words, "search=tpe", RATES)[0])
    assert described["first trial"] == {"model.optimizer.lr": 0.003}
    assert described["objectives"] == {"val/accuracy": "max"}
    assert not list(tmp_path.iterdir())


def test_search_is_not_for_a_single_run(tmp_path):
    assert "needs leyden sweep" in sweep(EXPERIMENT, "search=tpe", f"runs={tmp_path}", verb="train", code=2)[1]


@pytest.mark.slow
def test_grid_is_a_study_and_its_old_form_works(tmp_path):
    _, warning = sweep("--sweep", EXPERIMENT, *SHORT, f"runs={tmp_path}", "seed=0,1", verb="train")
    assert "train --sweep is deprecated" in warning
    assert [status(run)["state"] for run in runs(tmp_path)] == ["finished", "finished"]
    assert [row["seed"] for row in results(tmp_path)] == ["0", "1"]
    assert all(row["test/accuracy"] for row in results(tmp_path))
    before = [status(run)["changed"] for run in runs(tmp_path)]
    state = status(runs(tmp_path)[1])
    (runs(tmp_path)[1] / "status.json").write_text(json.dumps(state | {"state": "interrupted"}))
    sweep("--resume", only_study(tmp_path))
    after = [status(run)["changed"] for run in runs(tmp_path)]
    assert (after[0], status(runs(tmp_path)[1])["state"]) == (before[0], "finished")


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    words = [EXPERIMENT, *SHORT, f"runs={folder}", "search=tpe", "search.trials=3", RATES, "optim=adamw,sgd"]
    return folder, *sweep(*words, "data.augment.0.degrees=5")


@pytest.mark.slow
def test_search_reports_each_trial_and_tests_the_best(search):
    folder, table, lines = search
    rows = results(folder)
    assert [row["state"] for row in rows] == ["finished"] * 3
    assert lines.count("of 3)") == 3
    best = max(rows, key=lambda row: float(row["val/accuracy"]))
    tested = [run.name[-4:] for run in runs(folder) if "test" in json.loads((run / "results.json").read_text())]
    assert tested == [f"{int(best['trial']):04d}"]
    assert "test/accuracy" in table
    assert "test/accuracy" not in lines
    assert {file.stem for file in (only_study(folder) / "plots").iterdir()} >= {"history", "slices"}


@pytest.mark.slow
@pytest.mark.exhaustive
def test_each_trial_has_its_devices(tmp_path):
    words = [*SHORT, "launcher.fork=false", "trainer.devices=2", "launcher.parallel=2", f"runs={tmp_path}"]
    sweep(EXPERIMENT, *words, "search=grid", "data.batch_size=32,33,64")
    trials = {row["data.batch_size"]: row for row in results(tmp_path)}
    assert [trials[size]["state"] for size in ("32", "33", "64")] == ["finished", "failed", "finished"]
    assert "not divisible by the number of devices, 2" in trials["33"]["error"]
    assert all("OMP_NUM_THREADS" not in (run / "output.txt").read_text() for run in runs(tmp_path))


@pytest.mark.slow
def test_best_yaml_is_the_best_run(search, tmp_path):
    folder, *_ = search
    rows = results(folder)
    best = runs(folder)[int(max(rows, key=lambda row: float(row["val/accuracy"]))["trial"])]
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    project = tmp_path / "project"
    project.mkdir()
    subprocess.run(["cp", "-r", ROOT / "configs", project], check=True)
    (project / "configs/experiment/best.yaml").write_text((only_study(folder) / "best.yaml").read_text())
    composed = compose(["best"], project).config
    frozen = yaml.safe_load((best / "config.yaml").read_text())
    for name in ("data", "model", "trainer", "callbacks", "seed"):
        assert composed[name] == frozen[name], name


@pytest.mark.slow
def test_interrupted_search_is_resumed(tmp_path):
    words = [EXPERIMENT, *SHORT, "trainer.max_epochs=3", f"runs={tmp_path}", "search=random", "search.trials=2", RATES]
    command = [sys.executable, "-m", leyden.__name__, "sweep", *words]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 240
        while not list(tmp_path.glob("studies/*/*/*/runs/*/metrics.csv")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(2)
        _, errors = process.communicate()
    if process.returncode == 0:
        pytest.skip("it ended before the signal")
    assert process.returncode == 130, errors
    assert f"leyden sweep --resume {only_study(tmp_path)}" in errors
    sweep("--resume", only_study(tmp_path))
    assert [row["state"] for row in results(tmp_path)] == ["finished", "finished"]
    assert len(runs(tmp_path)) == 2


@pytest.mark.slow
@pytest.mark.exhaustive
def test_failing_trials_end_a_search(tmp_path):
    words = [EXPERIMENT, *SHORT, f"runs={tmp_path}", "search=random", RATES, "model.network.groups=3,5"]
    broken = "+callbacks.broken={_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: val/none}"
    _, errors = sweep(*words[:-1], broken, code=2)
    assert "the first 3 trials failed" in errors
    assert "val/none" in errors
    assert [row["state"] for row in results(tmp_path)] == ["failed"] * 3


def test_runs_that_need_more_gpus_than_there_are_create_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    words = [EXPERIMENT, "trainer=gpu", "trainer.devices=2", f"runs={tmp_path}"]
    for verb, more in (("train", []), ("sweep", ["seed=0,1"]), ("sweep", ["search=tpe", RATES])):
        assert (
            "trainer.devices=2 needs 2 GPUs, CUDA_VISIBLE_DEVICES lists 1" in sweep(*words, *more, code=2, verb=verb)[1]
        )
    assert not list(tmp_path.iterdir())
