import logging
from hashlib import sha256

import pytest
import torch
from lightning_runs import create, same_weights
from torch import nn

from leyden.errors import UserError
from leyden.run.directory import RunDirectory
from leyden.run.init_from import record, recorded
from leyden.run.initial_weights import initialize, read_weights
from leyden.run.worker import Worker

FEATURES = 4


class Classifier(nn.Module):
    """A task in miniature: `network` with an encoder and a head."""

    def __init__(self, num_classes, width=FEATURES, anchors=1, background=0):
        super().__init__()
        self.network = nn.Module()
        self.network.encoder = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width))
        self.network.head = nn.Linear(width, anchors * (num_classes + background))


class Run:
    """What `initialize` needs of a run directory."""

    def __init__(self, path, only=None):
        self.path, self.has_checkpoint, self.config = path, False, {"init_from_only": only}


@pytest.fixture
def start(tmp_path):
    def start(source, own, only=None, names=None, num_classes=None):
        file = tmp_path / "weights.pt"
        torch.save(source if isinstance(source, dict) else source.state_dict(), file)
        record(tmp_path, {"source": str(file), "file": str(file), "sha256": sha256(file.read_bytes()).hexdigest()})
        initialize(own, Run(tmp_path, only), names or [str(i) for i in range(num_classes or 0)])
        return recorded(tmp_path)

    return start


def equal(one, other, *parts):
    state = other.state_dict()
    return all(value.equal(state[name]) for name, value in one.state_dict().items() if name.startswith(parts or ("",)))


def test_all_weights_are_loaded_and_recorded(start):
    source, own = Classifier(5), Classifier(5)
    kept = start(source, own, num_classes=5)
    assert equal(source, own)
    assert kept["loaded"] == len(own.state_dict())
    assert kept["initialized"] == []


@pytest.mark.parametrize("prefix", ["network.", "", "bare"])
def test_a_network_without_its_task(start, prefix):
    source, own = Classifier(5), Classifier(5)
    network = source.network if prefix != "bare" else source.network.encoder
    state = dict(network.state_dict().items())
    if prefix == "network.":
        state = {"state_dict": {f"network.{name}": value for name, value in state.items()}}
    start(state, own, only=["network.encoder"] if prefix == "bare" else None, num_classes=5)
    assert equal(source, own, "network.encoder")


@pytest.mark.parametrize("shape", [{}, {"anchors": 3}, {"background": 1}])
def test_heads_for_other_classes_keep_their_initialization(start, shape, caplog):
    caplog.set_level(logging.INFO)
    source, own = Classifier(5, **shape), Classifier(7, **shape)
    head = own.network.head.weight.clone()
    assert start(source, own, num_classes=7)["initialized"] == ["network.head.bias", "network.head.weight"]
    assert equal(source, own, "network.encoder")
    assert own.network.head.weight.equal(head)
    assert "so these keep their initialization: network.head (bias, weight)" in caplog.text


def test_other_differences_are_listed_by_module(start):
    source = Classifier(5)
    source.network.extra = nn.Linear(2, 2)
    del source.network.encoder[1]
    with pytest.raises(UserError) as caught:
        start(source, Classifier(5), num_classes=5)
    lines = str(caught.value).splitlines()
    assert lines[1].startswith("  missing: network.encoder.1 (weight, bias, running_mean")
    assert lines[2] == "  unexpected: network.extra (weight, bias)"
    assert lines[3] == "To load only what matches: 'init_from_only=[network.head]'"
    with pytest.raises(
        UserError, match=r"(?s)of another shape: network.encoder.0 \(.*such as network.encoder.0.weight: \(4, 3\)"
    ):
        start(Classifier(5), Classifier(5, width=6), num_classes=5)


def test_only_some_modules(start):
    source, own = Classifier(5), Classifier(9, anchors=4)
    head = own.network.head.weight.clone()
    start(source, own, only=["network.encoder"], num_classes=9)
    assert equal(source, own, "network.encoder")
    assert own.network.head.weight.equal(head)
    with pytest.raises(UserError, match=r"has no 'network.encodr'; did you mean 'network.encoder'"):
        start(source, own, only=["network.encodr"], num_classes=9)


@pytest.mark.parametrize(("tokens", "is_warned"), [("a b", False), ("b a", True)])
def test_other_tokens_are_reported(tmp_path, caplog, tokens, is_warned):
    source, run = tmp_path / "source", tmp_path / "run"
    for path, text in ((source, "a b"), (run, tokens)):
        path.mkdir()
        (path / "tokenizer.json").write_text(text)
    file = source / "weights.pt"
    torch.save(Classifier(5).state_dict(), file)
    hash_ = sha256(file.read_bytes()).hexdigest()
    record(run, {"source": str(file), "file": str(file), "sha256": hash_, "run": str(source)})
    with caplog.at_level(logging.WARNING, "leyden"):
        initialize(Classifier(5), Run(run), [])
    assert ("the same ids mean other tokens" in caplog.text) == is_warned


def test_what_is_no_file_of_weights(tmp_path):
    file = tmp_path / "x.pt"
    torch.save({"network": Classifier(3)}, file)
    with pytest.raises(UserError, match="which could execute anything"):
        read_weights(file)
    file.write_text("text")
    with pytest.raises(UserError, match="is not a checkpoint"):
        read_weights(file)
    torch.save({"epoch": 3}, file)
    with pytest.raises(UserError, match="holds no parameters"):
        read_weights(file)


def test_files_of_safetensors(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    file, state = tmp_path / "model.safetensors", Classifier(3).state_dict()
    safetensors.save_file(state, file)
    read = read_weights(file)
    assert read.keys() == state.keys()
    assert all(value.equal(state[name]) for name, value in read.items())
    whole = file.read_bytes()
    for content in (whole[:-4], whole[:40], b"", b"<html>not found</html>"):
        file.write_bytes(content)
        with pytest.raises(UserError, match=r"^\S+ is damaged, or is no safetensors file: [^\n]*$"):
            read_weights(file)
    safetensors.save_file({}, file)
    with pytest.raises(UserError, match="holds no parameters"):
        read_weights(file)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty")
def test_a_run_starts_from_another_and_resumes_from_itself(tmp_path):
    first = create(tmp_path, "trainer.max_epochs=1")
    Worker(first, trains=True).fit()
    second = create(tmp_path, "trainer.max_epochs=1", f"init_from={first.path}", "seed=1")
    assert second.config["init_from"] == str(first.checkpoint("best"))
    worker = Worker(second, trains=True)
    initialize(worker.model, second, worker.data.class_names)
    best = torch.load(first.checkpoint("best"), weights_only=True)["state_dict"]
    assert all(value.equal(best[name]) for name, value in worker.model.state_dict().items())
    worker.fit()
    kept = recorded(second.path)
    assert (kept["run"], kept["id"], kept["initialized"]) == (str(first.path), first.status["id"], [])
    assert not same_weights(first, second)
    first.checkpoint("best").write_bytes(b"changed")  # the resumed run does not read it
    Worker(RunDirectory(second.path), trains=True).fit()
    with pytest.raises(UserError, match="have changed since the run was created"):
        recorded(second.path)
