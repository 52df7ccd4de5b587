"""A real `wandb sweep` and `wandb agent`, which start real runs, with a server that stands in for W&B's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from wandb_server import serve

from leyden.loggers.metrics_file import MetricsFile
from leyden.run.directory import RunDirectory

ROOT = Path.cwd()
EXPERIMENT = "vision/digits"
SHORT = ["trainer=cpu", "trainer.max_epochs=1", "trainer.limit_train_batches=2", "trainer.log_every_n_steps=1"]
SHORT += ["trainer.limit_val_batches=1", "trainer.limit_test_batches=1", "callbacks.plots=null", "logger=wandb"]


def wandb_command(*arguments, **environment):
    command = [sys.executable, "-m", "wandb", *arguments]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    known = os.environ | {"PATH": path, "WANDB_API_KEY": "0" * 40, "WANDB_AGENT_DISABLE_FLAPPING": "true"} | environment
    return subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, timeout=1500)


def documented_sweep():
    """The YAML file of a sweep in docs/loggers.md."""
    text = (ROOT / "docs/loggers.md").read_text(encoding="utf-8")
    (block,) = (block for block in text.split("```yaml\n") if block.startswith("# sweep.yaml"))
    return yaml.safe_load(block.partition("```")[0])


def started(run_id, rate, kind="run"):
    arguments = {"model.optimizer.lr": {"value": rate}, "data.batch_size": {"value": 32}}
    return {"type": kind, "run_id": run_id, "program": "leyden", "args": arguments}


def run_agent(folder, server, commands, *settings):
    """Create the documented sweep and have an agent carry out the server's commands."""
    sweep = documented_sweep()
    assert sweep["command"][0] == "leyden"
    index = sweep["command"].index("${args_no_hyphens}")
    program = [sys.executable, "-m", "leyden", *sweep["command"][1:index], *SHORT, f"runs={folder}/runs", *settings]
    (folder / "sweep.yaml").write_text(yaml.safe_dump(sweep | {"command": [*program, *sweep["command"][index:]]}))
    known = {"WANDB_BASE_URL": server.address, "HOME": str(folder), "WANDB_DIR": str(folder)}
    known["PYTHONPATH"] = f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"
    made = wandb_command("sweep", "--project", "p", "--entity", "me", str(folder / "sweep.yaml"), **known)
    assert "wandb agent me/p/sweep1" in made.stderr, made
    server.commands = commands
    return wandb_command("agent", "me/p/sweep1", **known)


def logged(server, run):
    return [str(row["trainer/global_step"]) for row in server.runs[run] if "epoch" in row]


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not (ROOT / "configs/experiment/vision/digits.yaml").exists(), reason="needs the digits")
def test_agent_resumes_a_preempted_run(tmp_path):
    callback = "+callbacks.preempted={_target_:preempted_once.PreemptedOnce,step:1}"
    with serve() as server:
        done = run_agent(tmp_path, server, [started("first1zz", 1e-3)], callback)
    assert server.preempted == ["first1zz"], done.stderr[-3000:]
    assert server.exits == {"first1zz": 0}, done.stderr[-3000:]
    (folder,) = tmp_path.glob("runs/*/*/2*")
    run = RunDirectory(folder)
    assert run.status["state"] == "finished"
    assert "preempted" in (folder / "log.txt").read_text(encoding="utf-8")
    assert logged(server, "first1zz") == [row["step"] for row in MetricsFile(folder / "metrics.csv").rows()]


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not (ROOT / "configs/experiment/vision/digits.yaml").exists(), reason="needs the digits")
def test_agent_runs_trials_and_one_of_them_again(tmp_path):
    commands = [started("first1zz", 1e-3), started("second2z", 2e-3), started("first1zz", 1e-3, "resume")]
    with serve() as server:
        done = run_agent(tmp_path, server, commands)
    folders = {folder.name.rpartition("-")[2]: folder for folder in tmp_path.glob("runs/*/*/2*")}
    assert folders.keys() == server.runs.keys() == {"first1zz", "second2z"}, done.stderr[-3000:]
    assert {values["sweep"] for values in server.upserts if values.get("sweep")} == {"sweep1"}
    for name, rate in (("first1zz", 1e-3), ("second2z", 2e-3)):
        run = RunDirectory(folders[name])
        assert (run.status["id"], run.status["state"]) == (name, "finished"), done.stderr[-3000:]
        assert run.config["model"]["optimizer"]["lr"] == rate
        assert json.loads(server.configs[name])["model"]["value"]["optimizer"]["lr"] == rate
        steps = [row["step"] for row in MetricsFile(run.path / "metrics.csv").rows()]
        assert logged(server, name) == steps
