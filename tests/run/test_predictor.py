"""Trained models loaded from Python."""

import json
import re
import sys
from pathlib import Path

import pytest
import torch

import leyden
from leyden.config.compose import compose, options
from leyden.errors import UserError
from leyden.run.directory import RunDirectory
from leyden.run.predict import predict
from leyden.run.worker import Worker

ROOT = Path.cwd()
EXPERIMENT = "vision/digits"
pytestmark = pytest.mark.skipif(EXPERIMENT not in dict(options(ROOT)["experiment"]), reason="no images here")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    words = [f"experiment={EXPERIMENT}", "trainer=debug", "callbacks.plots=null"]
    config = compose(words, ROOT).config | {"runs": str(tmp_path_factory.mktemp("runs"))}
    run = RunDirectory.create(config, ROOT, ["test_predictor"])
    Worker(run, trains=True).fit()
    return run


@pytest.mark.filterwarnings("ignore:.*using a custom batch sampler.*for prediction")  # by `predict`, not by `load`
def test_predictions_of_files_equal_those_of_the_command(run, tmp_path):
    samples = ROOT / "src" / "leyden" / "testing" / "samples" / EXPERIMENT.split("/")[0]
    output = tmp_path / "lines.jsonl"
    predict(Worker(run, trains=False), [samples], "best", output, "jsonl")
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert leyden.load(run.path).predict(samples) == lines


def test_predictions_of_arrays_equal_network_and_transform(run):
    data = Worker(run, trains=True).data
    data.setup("test")
    batch = next(iter(data.test_dataloader()))
    model = leyden.load(run.path, checkpoint="last")
    assert list(model.class_names) == list(data.class_names)
    with torch.no_grad():
        outputs = model.network(model.transform(batch).inputs)
    predicted = torch.stack(model.predict(batch.inputs.numpy()))
    torch.testing.assert_close(predicted, outputs.softmax(dim=1))


@pytest.mark.parametrize("split", ["test", "validation"])
def test_outputs_of_a_split_are_those_of_the_network_in_the_order_of_the_samples(run, split):
    data = Worker(run, trains=True).data
    data.setup("test" if split == "test" else "validate")
    samples = data.samples[split]
    stored = samples.__getitems__(list(range(len(samples))))
    model = leyden.load(run.path)
    logits, targets = model.outputs(split)
    assert torch.equal(targets, stored.targets)
    with torch.no_grad():
        torch.testing.assert_close(logits, model.network(model.transform(stored).inputs))


@pytest.mark.parametrize(
    ("split", "output", "message"),
    [
        ("tset", None, "expected split 'test' or 'validation', got 'tset'; did you mean 'test'?"),
        ("test", [], "the outputs of this run's samples have no common size"),
    ],
)
def test_outputs_that_cannot_be_computed_are_explained(run, monkeypatch, split, output, message):
    model = leyden.load(run.path)
    monkeypatch.setattr(model, "_task", lambda inputs, lengths: output)
    with pytest.raises(Exception, match=re.escape(message)) as raised:
        model.outputs(split)
    assert raised.type.__name__ == "UserError"  # that of the run's copy of the code


def test_foreign_run_needs_trust(run, monkeypatch, tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "train.yaml").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="--trust"):
        leyden.load(run.path)
    assert leyden.load(run.path, trust=True).class_names


def test_public_names_are_imported_lazily():
    for name in leyden.__all__:
        assert getattr(leyden, name)
    with pytest.raises(AttributeError, match="no attribute 'Tsak'"):
        _ = leyden.Tsak
    assert "torch" in sys.modules
