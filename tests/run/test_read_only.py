"""Read-only runs, such as a colleague's, can be evaluated and used for predictions."""

import csv
import json
from pathlib import Path

import pytest

from leyden.callbacks import PredictionPlots, Watchdog
from leyden.config.compose import compose, options
from leyden.run.directory import RunDirectory
from leyden.run.predict import predict
from leyden.run.worker import Worker

pytestmark = pytest.mark.slow

ROOT = Path.cwd()
# Its predictions are plots, which are kept beside the table.
EXPERIMENT = next(name for name, _ in options(ROOT)["experiment"] if name.endswith("digits_segmentation"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    config = compose([f"experiment={EXPERIMENT}", "trainer=debug"], ROOT).config
    run = RunDirectory.create(config | {"runs": str(tmp_path_factory.mktemp("runs"))}, ROOT, ["test"])
    Worker(run, trains=True).fit()
    assert run.status["state"] == "finished"
    return run


@pytest.fixture
def unchanged(run, monkeypatch):
    def files():
        return {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}

    before = files()
    monkeypatch.setattr(RunDirectory, "is_writable", False)  # root can write to read-only folders
    yield
    assert files() == before


def test_evaluation_writes_nothing(run, unchanged):
    worker = Worker(run, trains=False)
    results = json.loads((run.path / "results.json").read_text())
    assert worker.evaluate("test", "best") == pytest.approx(results["test"]["best"], nan_ok=True)
    assert not [one for one in worker.trainer.callbacks if isinstance(one, Watchdog | PredictionPlots)]


@pytest.mark.filterwarnings("ignore:.*using a custom batch sampler.*for prediction")
def test_prediction_saves_images_beside_the_output(run, unchanged, tmp_path):
    samples = ROOT / "src" / "leyden" / "testing" / "samples" / "vision"
    predict(Worker(run, trains=False), [samples], "best", tmp_path / "table.csv", "csv")
    assert list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    assert list((tmp_path / "predictions").glob("*.png"))
