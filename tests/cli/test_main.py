"""The command line, each test in a separate process."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import leyden
from leyden.config.embedded import embedded_experiments

ROOT = Path.cwd()
PACKAGE = leyden.__name__


def options():
    from leyden.config.compose import options as group_options

    return dict(group_options(ROOT)["experiment"])


# The first of each domain; tests/test_contract.py runs all of them.
EMBEDDED = list({name.split("/")[0]: name for name in reversed(embedded_experiments(ROOT))}.values())


def run(*words, folder=ROOT, code=0, **environment):
    """Run a command and return standard output and standard error."""
    known = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-m", PACKAGE, *map(str, words)], cwd=folder, env=known, capture_output=True, text=True
    )
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout, done.stderr


def without_torch(*words, code):
    """Run a command in a process that exits with 99 if torch was imported."""
    start = f"import sys; from {PACKAGE}.cli.main import main; code = main({list(words)!r}); "
    end = "sys.exit(99 if 'torch' in sys.modules else code)"
    done = subprocess.run([sys.executable, "-c", start + end], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_help_lists_every_command():
    text, _ = run("--help")
    for verb in (
        "train",
        "resume",
        "status",
        "cancel",
        "validate",
        "test",
        "predict",
        "diff",
        "sync",
        "list",
        "watch",
        "clean",
        "data",
        "tour",
        "check",
        "doctor",
        "eject",
    ):
        assert verb in text


def test_list_shows_every_experiment():
    text = without_torch("list", code=0)
    assert all(name in text for name in options())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "did you mean 'train'"),
        (["train"], EMBEDDED[0]),
        (["train", f"experiment={EMBEDDED[0][:-1]}"], f"did you mean '{EMBEDDED[0]}'"),
        (["train", f"experiment={EMBEDDED[0]}", "trainer.max_epoch=3"], "did you mean 'max_epochs'"),
        (["train", f"experiment={EMBEDDED[0]}", "trainer.precision=bf17"], "bf16"),
        (["train", f"experiment={EMBEDDED[0]}", "data.batch_size=-4"], "batch_size is -4"),
        (["train", f"experiment={EMBEDDED[0]}", "model.optimizer.lr=fast"], "model.optimizer.lr"),
        (["train", f"experiment={EMBEDDED[0]}", "sed=1"], "did you mean 'seed'"),
        (["train", f"experiment={EMBEDDED[0]}", "model.lr=1"], "did you mean 'model.optimizer.lr'"),
        (["train", f"experiment={EMBEDDED[0]}", "lr=1"], "did you mean 'model.optimizer.lr'"),
        (["train", f"experiment={EMBEDDED[0]}", "model._target_=torch.nn.Linea"], "did you mean"),
        (["check", f"experiment={EMBEDDED[0]}", "trainer=gpuu"], "did you mean 'gpu'"),
        (["tour", EMBEDDED[0][:-1]], f"did you mean '{EMBEDDED[0]}'"),
        (["tour", EMBEDDED[0], "--html", "tour.html", "trainer.max_epoch=3"], "did you mean 'max_epochs'"),
        (["tour", EMBEDDED[0], "--html", "no/such/folder/tour.html"], "there is no folder"),
        (["test", "no/such/run"], "there is no run"),
        (["resume", "src"], "is not a run directory"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value)[-30:],
)
def test_mistakes_are_refused_before_torch_is_imported(words, message):
    assert message in without_torch(*words, code=2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trainer.devices=2"], "torchrun --standalone --nproc-per-node=2"),
        (["launcher=slurm", "trainer=cpu", "trainer.num_nodes=3"], "#SBATCH --nodes=3"),
    ],
)
def test_dry_run_prints_and_does_nothing(words, message, tmp_path):
    settings = [f"experiment={EMBEDDED[0]}", f"runs={tmp_path}", *words]
    assert message in without_torch("train", "--dry-run", *settings, code=0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trainer.num_nodes=2"], "choose launcher=slurm"),
        (["trainer.devices=auto"], "Local expects int"),
        (["launcher=slurm"], "expected trainer.accelerator=gpu, cuda or cpu"),
        (["launcher=slurm", "trainer=cpu", "launcher.acount=me"], "did you mean 'account'"),
        (["launcher=slurm", "trainer=cpu", "launcher.time=30"], "Slurm expects str"),
    ],
)
def test_launcher_settings_are_checked(words, message):
    assert message in without_torch("train", f"experiment={EMBEDDED[0]}", *words, code=2)


def test_all_mistakes_are_reported():
    text = without_torch(
        "check", f"experiment={EMBEDDED[0]}", "trainer.max_epoch=3", "data.batch_size=0", "seed=-1", code=2
    )
    assert all(word in text for word in ("max_epochs", "batch_size is 0", "seed is -1"))


def test_all_experiments_are_valid():
    text = without_torch("check", "--all", code=0)
    assert text.count("no problem found") == len(options())


@pytest.fixture(scope="module", params=EMBEDDED)
def trained(request, tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    run("train", f"experiment={request.param}", "trainer=debug", f"runs={runs}")
    (folder,) = runs.glob("*/*/2*")
    return folder


@pytest.mark.slow
def test_train_writes_the_run_directory(trained):
    for name in ("config.yaml", "command.txt", "environment.txt", "code.json", "hardware.json", "log.txt"):
        assert (trained / name).stat().st_size, name
    assert json.loads((trained / "status.json").read_text())["state"] == "finished"
    results = json.loads((trained / "results.json").read_text())
    measured = results["test"]["best"].keys()
    assert measured
    assert results["val"]["best"].keys() >= {name for name in results["val"]["best"] if name.startswith("val/")}
    validated = {name.replace("test/", "val/") for name in measured}
    assert {"train/loss", "train/gradient_norm", "train/learning_rate", *measured, *validated} <= set(
        (trained / "metrics.csv").read_text().splitlines()[0].split(",")
    )
    assert {"test_predictions.png", "test_worst.png"} <= {path.name for path in trained.glob("plots/best/*.png")}
    for name in ("best", "last"):
        torch.load(trained / "checkpoints" / f"{name}.ckpt", weights_only=True)


@pytest.mark.slow
def test_a_tour_writes_its_page_and_nothing_else(tmp_path):
    settings = ["trainer=cpu", f"runs={tmp_path / 'runs'}", f"data.cache={tmp_path / 'cache'}"]
    output, _ = run("tour", EMBEDDED[0], *settings, "--html", tmp_path / "tour.html", COLUMNS="80")
    assert "4. Loss by hand" in output
    assert f"written: {tmp_path / 'tour.html'}" in output
    assert [path.name for path in tmp_path.iterdir()] == ["tour.html"]


@pytest.mark.slow
def test_status_and_cancel_without_job(trained):
    assert "finished" in run("status", trained)[0]
    assert "has no SLURM job" in run("cancel", trained, code=2)[1]


@pytest.mark.slow
def test_test_and_validate(trained):
    before = json.loads((trained / "results.json").read_text())
    plots = {path.name: path.read_bytes() for path in (trained / "plots" / "best").glob("*.png")}
    run("test", trained)
    run("test", trained, "--ckpt", "last")
    run("validate", trained, "--ckpt", "last")
    after = json.loads((trained / "results.json").read_text())
    assert after["test"]["best"] == before["test"]["best"]
    assert after["test"]["last"].keys() == before["test"]["best"].keys()
    assert {name.replace("test/", "val/") for name in before["test"]["best"]} >= after["val"]["last"].keys()
    assert {path.name: path.read_bytes() for path in (trained / "plots" / "best").glob("*.png")} == plots
    assert {path.name for path in (trained / "plots" / "last").glob("test_*.png")} >= {"test_worst.png"}


@pytest.mark.slow
def test_predict_writes_a_row_for_each_input(trained):
    domain = trained.parent.parent.name
    samples = Path(leyden.__file__).parent / "testing" / "samples" / domain
    output, _ = run("predict", trained, samples)
    rows = list(csv.DictReader(output.splitlines()))
    assert len({row["input"] for row in rows}) >= 2
    lines, _ = run("predict", trained, samples, "--format", "jsonl")
    assert [json.loads(line)["input"] for line in lines.splitlines()] == [row["input"] for row in rows]
    if "probability" not in rows[0]:
        return  # a task whose predictions its own tests read
    classes = list(rows[0])[3:]
    for row in rows:
        assert row["prediction"] in classes
        assert sum(float(row[name]) for name in classes) == pytest.approx(1, abs=1e-4)
        assert float(row["probability"]) == max(float(row[name]) for name in classes)
    first = json.loads(lines.splitlines()[0])
    assert first["prediction"] == rows[0]["prediction"]
    assert set(first["probabilities"]) == set(classes)
