"""Every experiment of configs/ trains a step, is tested, and predicts the samples of its domain.

One whose data is downloaded gets the embedded data of another experiment of its domain and task.
"""

import csv
import json
from pathlib import Path

import pytest
import torch

from leyden.config.compose import compose, options
from leyden.config.embedded import embedded_experiments
from leyden.run.directory import RunDirectory
from leyden.run.predict import predict
from leyden.run.worker import Worker

pytestmark = pytest.mark.slow

ROOT = Path.cwd()
EXPERIMENTS = dict(options(ROOT)["experiment"])
EMBEDDED = embedded_experiments(ROOT)


def configuration(name):
    return compose([f"experiment={name}", "trainer=debug"], ROOT).config


def embedded_data(config):
    """Data of the first embedded experiment with the same task in the same domain, in the same form."""
    for name in EMBEDDED:
        other = configuration(name)
        is_alike = config["model"]["_target_"] == other["model"]["_target_"]
        if is_alike and name.split("/")[0] == config["name"].split("/")[0]:
            form = {key: config["data"][key] for key in ("in_channels", "max_tokens") if key in config["data"]}
            return other["data"] | form
    pytest.fail(f"no embedded experiment of {config['name']}'s domain and task")


# Ours gives every row; the command line says so to Lightning, too.
@pytest.mark.filterwarnings("ignore:.*using a custom batch sampler.*for prediction")
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_trains_tests_and_predicts(name, tmp_path):
    config = configuration(name) | {"runs": str(tmp_path)}
    config["trainer"]["log_every_n_steps"] = 1
    if name not in EMBEDDED:
        config["data"] = embedded_data(config)
    run = RunDirectory.create(config, ROOT, ["test_experiments"])
    worker = Worker(run, trains=True)
    results = worker.fit()
    assert worker.model.monitor.replace("val/", "test/") in results
    assert all(torch.tensor(value).isfinite() for value in results.values())
    assert json.loads((run.path / "results.json").read_text())["test"]["best"] == results
    assert {"test_predictions.png", "test_worst.png"} <= {path.name for path in run.path.glob("plots/best/*")}
    torch.load(run.checkpoint("best"), weights_only=True)

    output = tmp_path / "predictions.csv"
    samples = ROOT / "tests" / "samples" / name.split("/")[0]
    predict(Worker(run, trains=False), [samples], "best", output, "csv")
    assert len(list(csv.DictReader(output.read_text().splitlines()))) >= 1
