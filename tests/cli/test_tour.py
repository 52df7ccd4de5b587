"""The tour: losses by hand, recorded layers and gradients, and whole tours of all embedded experiments."""

import csv
import io
import math
import re
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from lightning.pytorch import seed_everything
from PIL import Image
from rich.console import Console
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, ctc_loss
from torchvision.transforms.v2 import MixUp

from leyden.cli.tour.drawings import texts
from leyden.cli.tour.first_step import first_step
from leyden.cli.tour.layers import LONGEST, Calls, Layer, collapsed, fastest, sum_of
from leyden.cli.tour.loss_by_hand import ctc, loss_by_hand
from leyden.cli.tour.page import page
from leyden.cli.tour.section import Section, Table
from leyden.cli.tour.sections import heading, sections
from leyden.cli.tour.terminal import show
from leyden.config.build import build
from leyden.config.compose import compose
from leyden.config.embedded import embedded_experiments
from leyden.config.references import resolve
from leyden.data import Batch
from leyden.run.directory import RunDirectory
from leyden.run.worker import Worker
from leyden.tasks import (
    Classification,
    Detection,
    LanguageModeling,
    MultilabelClassification,
    Segmentation,
    Transcription,
)

ROOT = Path.cwd()
NAMES = ["a", "b", "c", "d"]


class Fixed(nn.Module):
    """Gives what it was made with, whatever it reads."""

    def __init__(self, output):
        super().__init__()
        self.output, self.weight = output, nn.Parameter(torch.zeros(()))  # a task refuses to train nothing

    def forward(self, *_):
        return self.output


class Transcripts(NamedTuple):
    tokens: Tensor
    lengths: Tensor


def check_by_hand(task, targets, lengths=None):
    """The hand loss of a task whose network is `Fixed` is its training loss."""
    task.log_training = lambda **_: None
    mixed = []
    if mix := getattr(task, "mix", None):
        object.__setattr__(task, "mix", lambda *batch: mixed.append(mix(*batch)) or mixed[-1])
    batch = Batch(torch.zeros(len(targets[0] if isinstance(targets, tuple) else targets), 1, 2, 2), targets, lengths)
    loss = task.training_step(batch, 0)
    hand = loss_by_hand(task, task.network.output, mixed[0] if mixed else batch)
    assert float(hand.value) == pytest.approx(float(loss), rel=1e-5)
    return hand


def made(kind, output, **options):
    return kind(network=Fixed(output), optimizer=partial(torch.optim.SGD, lr=0.1), **options)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, "balanced"])
@pytest.mark.parametrize("mix", [None, MixUp(num_classes=4)])
def test_classification_by_hand(smoothing, weights, mix):
    known = {"class_names": NAMES, "label_smoothing": smoothing, "class_weights": weights, "class_counts": [1, 2, 3, 4]}
    hand = check_by_hand(made(Classification, 50 * torch.randn(6, 4), mix=mix, **known), torch.randint(4, (6,)))
    assert len(hand.notes) == bool(smoothing) + bool(weights) + bool(mix)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, "balanced"])
def test_multilabel_by_hand(smoothing, weights):
    known = {"class_names": NAMES, "label_smoothing": smoothing, "class_weights": weights, "class_counts": [1, 2, 3, 4]}
    check_by_hand(made(MultilabelClassification, 50 * torch.randn(6, 4), **known), torch.randint(2, (6, 4)))


@pytest.mark.parametrize("dice", [0.0, 0.5])
@pytest.mark.parametrize("has_aux", [False, True])
def test_segmentation_by_hand(dice, has_aux):
    targets = torch.randint(4, (2, 5, 5))
    targets[0, :2] = 255
    output = {"out": torch.randn(2, 4, 5, 5), "aux": torch.randn(2, 4, 5, 5)} if has_aux else torch.randn(2, 4, 5, 5)
    known = {"class_names": NAMES, "ignore_index": 255, "dice_weight": dice}
    hand = check_by_hand(made(Segmentation, output, class_weights=[0.1, 1, 2, 3], **known), targets)
    assert hand.steps["pixels with a class"] == "40 of 50"


def test_language_modeling_by_hand():
    targets = torch.randint(4, (2, 6))
    targets[1, 3:] = -100
    hand = check_by_hand(made(LanguageModeling, torch.randn(2, 6, 4), token_bytes=[b"a", b"b", b"c", b""]), targets)
    assert "3 of 12" in hand.notes[0]


def test_transcription_by_hand():
    """Among others a transcript with equal neighbours, one that has too few frames, and an empty one."""
    log_probs, frames = torch.randn(4, 7, 3).log_softmax(dim=2), torch.tensor([7, 6, 2, 5])
    transcripts = Transcripts(torch.tensor([[1, 2, 2], [2, 1, 0], [1, 1, 0], [0, 0, 0]]), torch.tensor([3, 2, 2, 0]))
    known = {"alphabet": ["", "x", "y"], "separator": " ", "sample_rate": 8}
    hand = check_by_hand(made(Transcription, (log_probs, frames), **known), transcripts, frames)
    assert any("1 samples have too few frames" in note for note in hand.notes)


def test_the_recursion_of_ctc_is_that_of_torch():
    log_probs = torch.randn(9, 5, dtype=torch.float64).log_softmax(dim=1)
    expected = ctc_loss(log_probs, torch.tensor([3, 3, 1]), torch.tensor(9), torch.tensor(3), reduction="sum")
    assert float(ctc(log_probs, [3, 3, 1])) == pytest.approx(float(expected))


def test_components_of_a_detector_add_up():
    task = made(Detection, {"classification": torch.tensor(1.5), "box": torch.tensor(0.25)}, image_size=(8, 8))
    hand = loss_by_hand(task, task.network.output, Batch(torch.zeros(1), None))
    assert float(hand.value) == 1.75
    assert hand.formula == "loss = classification + box"


def test_a_task_that_computes_another_loss_has_no_hand_computation():
    class Own(Classification):
        def training_step(self, batch, batch_idx):
            return super().training_step(batch, batch_idx) * 2

    hand = loss_by_hand(made(Own, torch.randn(2, 4), class_names=NAMES), torch.randn(2, 4), Batch(torch.zeros(2), None))
    assert hand.value is None
    assert "no hand computation for Own" in hand.formula


class Net(nn.Module):
    """A token of its own, attention that does not call its projection, and a layer with two places."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        shared = nn.ReLU()
        self.first, self.second = nn.Sequential(nn.Linear(8, 8), shared), nn.Sequential(nn.Linear(8, 8), shared)
        self.unused = nn.Linear(2, 2)

    def forward(self, inputs):
        attended, _ = self.attention(inputs, inputs, inputs + self.token)
        return self.second(self.second(self.first(attended)))


class Holder(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network


def test_layers_are_recorded_in_the_order_of_execution_with_all_parameters():
    task = Holder(Net())
    passes = []
    for _ in range(2):
        passes.append(Calls(task, lambda: None))
        task.network(torch.randn(3, 4, 8))
        passes[-1].close()
    calls = fastest(passes)
    layers = calls.layers(dict.fromkeys(task.parameters(), (1.0, 2.0, 3.0)))
    names = ["network", "attention", "first.0", "first.1", "second.0", "second.1", "unused"]
    assert [layer.name for layer in layers] == names
    assert [layer.calls for layer in layers] == [1, 1, 1, 1, 2, 2, 0]
    assert sum(layer.params for layer in layers) == sum(one.numel() for one in task.parameters())
    assert next(layer for layer in layers if layer.name == "attention").gradient == 4  # has four parameters
    assert layers[1].shape == "3x4x8; 1 more"
    assert 0 < sum(layer.seconds for layer in layers) <= calls.seconds
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in task.modules())


def blocks(number, names=("conv", "norm.0")):
    made = [
        Layer(f"blocks.{place}.{name}", name, "1", 1, 0.1, 5, 1.0, 2.0, 3.0)
        for place in range(number)
        for name in names
    ]
    return [Layer("stem", "Conv2d"), *made, Layer("head", "Linear", params=1)]


def test_blocks_that_repeat_become_one_with_their_sums():
    layers = collapsed(blocks(30))
    assert [layer.name for layer in layers] == ["stem", "blocks.0-29.conv", "blocks.0-29.norm.0", "head"]
    assert (layers[1].calls, layers[1].params, layers[1].gradient) == (30, 150, 30.0)
    assert sum_of(layers, "").params == sum_of(blocks(30), "").params == 301


def test_short_lists_stay_and_long_ones_of_unlike_layers_lose_their_middle():
    assert collapsed(blocks(10)) == blocks(10)
    unlike = [Layer(f"layer{place}", "Linear", params=place) for place in range(100)]
    layers = collapsed(unlike)
    assert len(layers) <= LONGEST + 1
    assert sum(layer.params for layer in layers) == sum(range(100))
    assert layers[LONGEST * 2 // 3].name.startswith("... ")


def configuration(*words):
    return resolve(compose([*words, "trainer=cpu"], ROOT).frozen, ROOT)


@pytest.fixture(scope="module")
def digits():
    return first_step(configuration("vision/digits"))


def test_gradients_and_change_are_those_of_the_step(digits):
    config = configuration("vision/digits")
    seed_everything(config["seed"], verbose=False)
    model = build(config["model"], digits.data.provided()).train()
    model.log_training = lambda **_: None
    torch.set_rng_state(digits.random[0])  # of dropout
    model.training_step(digits.batch, 0).backward()
    layers = {layer.name: layer for layer in digits.calls.layers(digits.squares)}
    for name, module in model.network.named_modules():
        if own := list(module.parameters(recurse=False)):
            norm = math.sqrt(sum(float(one.grad.norm()) ** 2 for one in own))
            assert math.sqrt(layers[name].gradient) == pytest.approx(norm, rel=1e-4)
            new = digits.task.network.get_submodule(name).parameters()
            change = math.sqrt(sum(float((one - old).detach().norm()) ** 2 for one, old in zip(new, own, strict=True)))
            assert math.sqrt(layers[name].change) == pytest.approx(change, rel=1e-4)


def test_the_loss_after_the_step_is_that_of_the_same_batch(digits):
    torch.set_rng_state(digits.random[0])
    logits = digits.task.train()(digits.batch.inputs)
    assert float(cross_entropy(logits, digits.batch.targets).detach()) == pytest.approx(digits.loss_after, rel=1e-4)
    assert digits.loss_after < digits.loss


class Manual(Classification):
    """A task of a project that steps its optimizer itself."""

    def __init__(self, class_names, **task):
        super().__init__(class_names=class_names, **task)
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        optimizer = self.optimizers()
        loss = cross_entropy(self(batch.inputs), batch.targets)
        self.manual_backward(loss)
        optimizer.step()


def test_a_task_of_a_project_has_a_tour_without_its_loss_by_hand(digits):
    config = configuration("vision/digits")
    config["model"] = {**config["model"], "_target_": f"{__name__}.Manual"}
    step = first_step(config)
    made, text, _ = shown(step, draws=False)
    assert "no hand computation for Manual" in text
    assert made[3].lines["by the task"] == f"{step.loss:.6f}"
    assert step.loss == pytest.approx(digits.loss)
    assert [layer.gradient for layer in step.calls.layers(step.squares)] == pytest.approx(
        [layer.gradient for layer in digits.calls.layers(digits.squares)], rel=1e-4
    )


@pytest.mark.slow
def test_the_step_is_the_first_one_of_the_run(digits, tmp_path):
    config = configuration(
        "vision/digits", f"runs={tmp_path}", "trainer.limit_train_batches=1", "trainer.log_every_n_steps=1"
    )
    config["trainer"] |= {"max_epochs": 1, "limit_val_batches": 1, "limit_test_batches": 1}
    run = RunDirectory.create(config, ROOT, ["pytest"])
    Worker(run, trains=True).fit()
    with (run.path / "metrics.csv").open(encoding="utf-8") as file:
        losses = [float(row["train/loss"]) for row in csv.DictReader(file) if row["train/loss"]]
    assert losses[0] == pytest.approx(digits.loss, rel=1e-6)


def shown(step, draws=True, width=100):
    """The sections, what a terminal shows, and the page."""
    made = sections(step, draws)
    output = io.StringIO()
    show(heading(step), made, Console(file=output, width=width))
    return made, output.getvalue(), page(heading(step), made)


def contents(folder):
    return set(folder.rglob("*")) if folder.is_dir() else set()


@pytest.mark.parametrize(
    "experiment", [pytest.param(name, marks=pytest.mark.slow) for name in embedded_experiments(ROOT)]
)
def test_every_embedded_experiment_has_a_tour(experiment):
    before = contents(ROOT / "runs"), contents(ROOT / "data")
    step = first_step(configuration(experiment))
    made, text, html = shown(step)
    assert (contents(ROOT / "runs"), contents(ROOT / "data")) == before
    assert [section.title[0] for section in made] == list("123456")
    assert float(made[3].lines["difference"]) < 1e-4 * max(1, step.loss)
    assert sum(layer.params for layer in step.calls.layers(step.squares)) == sum(
        p.numel() for p in step.task.parameters()
    )
    for outside in ("http:", "https:", 'src="/', "url(", "<script", "<link"):
        assert outside not in re.sub(r"<span.*?</span>", "", html)
    assert "data:image/png;base64" in html or 'class="tokens"' in html
    assert all(section.sentence in html and section.title in text for section in made)
    assert max(map(len, text.splitlines())) <= 100


def test_a_page_has_no_outside_address_and_holds_an_image(digits):
    _, text, html = shown(digits, width=80)
    assert html.count("<img") == 1
    assert not re.search(r"(?:src|href)=\"(?!data:)|https?:|url\(|<script", html)
    assert "prefers-color-scheme: dark" in html
    assert max(map(len, text.splitlines())) <= 80
    assert "from package scikit-learn" in text


def test_a_page_escapes_what_it_shows():
    section = Section("1 < 2", "&", {"<b>": "<i>"}, Table(["<"], [["</td>"]]), ["<p>"], [("<", [("</span>", True)])])
    html = page(("<t>", "<s>"), [section])
    assert not re.search(r"<t>|<s>|<b>&lt;b|<i>|</td></td>|<p><p>|</span></span>", html)


def test_files_of_the_batch_are_counted_and_no_cache_is_written(tmp_path):
    for split, number in (("train", 12), ("val", 4), ("test", 4)):
        for place in range(number):
            path = tmp_path / "images" / split / "ab"[place % 2] / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (9, 9), (place, 0, 0)).save(path)
    words = [
        f"data.root={tmp_path / 'images'}",
        "data=vision/files",
        "data.batch_size=5",
        f"data.cache={tmp_path / 'cache'}",
    ]
    step = first_step(configuration("vision/digits", *words))
    made, _, _ = shown(step)
    assert len(step.files) == 5
    assert (
        made[0].lines["origin"].startswith(f"5 files of {sum(path.stat().st_size for path in step.files)} bytes, read")
    )
    assert not (tmp_path / "cache").exists()


def test_tokens_that_the_transform_replaced_are_marked():
    class Tokenizer:
        vocabulary = ["[PAD]", "[UNK]", "tea"]

    class Data:
        tokenizer, class_names = Tokenizer(), ["no", "yes"]

    before = Batch(torch.tensor([[2, 2, 0]]), torch.tensor([1]), torch.tensor([2]))
    after = before._replace(inputs=torch.tensor([[2, 1, 0]]))
    assert texts(Data(), before, after) == [("yes", [("tea", False), ("[UNK]", True)])]
